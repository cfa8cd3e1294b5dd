package main

import (
	"context"
	"fmt"
	"log"
	"time"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/types"
	"k8s.io/client-go/informers"
	"k8s.io/client-go/kubernetes"
	corelisters "k8s.io/client-go/listers/core/v1"
	"k8s.io/client-go/tools/cache"
	"k8s.io/client-go/util/workqueue"
)

// syncer brings the tenant's objects to the host and what becomes of them back. Everything
// is driven by the level, not the edge: one key names a virtual object, and working on it
// compares both sides as they are.
type syncer struct {
	*cluster
	virtual kubernetes.Interface
	queue   workqueue.TypedRateLimitingInterface[key]

	pods, hostPods             corelisters.PodLister
	secrets, hostSecrets       corelisters.SecretLister
	configMaps, hostConfigMaps corelisters.ConfigMapLister
	claims, hostClaims         corelisters.PersistentVolumeClaimLister
}

// key is a virtual object, whether it exists or only its copy does.
type key struct {
	kind string
	types.NamespacedName
}

const (
	podKind       = "Pod"
	secretKind    = "Secret"
	configMapKind = "ConfigMap"
	claimKind     = "PersistentVolumeClaim"
)

func startSyncer(ctx context.Context, cluster *cluster, virtual kubernetes.Interface) error {
	if !cluster.config.Sync.ToHost.Pods.Enabled {
		log.Print("pods are not synced: `sync.toHost.pods.enabled` is not set")
		return nil
	}
	inside := informers.NewSharedInformerFactory(virtual, 0)
	outside := informers.NewSharedInformerFactoryWithOptions(cluster.host, 0,
		informers.WithNamespace(cluster.namespace),
		informers.WithTweakListOptions(func(options *metav1.ListOptions) {
			options.LabelSelector = managedByLabel + "=" + cluster.name
		}))
	core, hostCore := inside.Core().V1(), outside.Core().V1()
	s := &syncer{
		cluster: cluster,
		virtual: virtual,
		queue: workqueue.NewTypedRateLimitingQueue(
			workqueue.NewTypedItemExponentialFailureRateLimiter[key](50*time.Millisecond, 10*time.Second)),
		pods: core.Pods().Lister(), hostPods: hostCore.Pods().Lister(),
		secrets: core.Secrets().Lister(), hostSecrets: hostCore.Secrets().Lister(),
		configMaps: core.ConfigMaps().Lister(), hostConfigMaps: hostCore.ConfigMaps().Lister(),
		claims: core.PersistentVolumeClaims().Lister(), hostClaims: hostCore.PersistentVolumeClaims().Lister(),
	}
	for kind, both := range map[string][2]cache.SharedIndexInformer{
		podKind:       {core.Pods().Informer(), hostCore.Pods().Informer()},
		secretKind:    {core.Secrets().Informer(), hostCore.Secrets().Informer()},
		configMapKind: {core.ConfigMaps().Informer(), hostCore.ConfigMaps().Informer()},
		claimKind:     {core.PersistentVolumeClaims().Informer(), hostCore.PersistentVolumeClaims().Informer()},
	} {
		if err := s.watch(both[0], kind, namespacedName); err != nil {
			return err
		}
		if err := s.watch(both[1], kind, originalName); err != nil {
			return err
		}
	}
	inside.Start(ctx.Done())
	outside.Start(ctx.Done())
	inside.WaitForCacheSync(ctx.Done())
	outside.WaitForCacheSync(ctx.Done())
	if err := s.moveNodes(ctx); err != nil {
		return err
	}
	go func() {
		<-ctx.Done()
		s.queue.ShutDown()
	}()
	for range 4 {
		go func() {
			for s.next(ctx) {
			}
		}()
	}
	log.Print("syncing pods")
	return nil
}

func (s *syncer) watch(informer cache.SharedIndexInformer, kind string, name func(metav1.Object) types.NamespacedName) error {
	add := func(object any) {
		if unknown, ok := object.(cache.DeletedFinalStateUnknown); ok {
			object = unknown.Obj
		}
		if object, ok := object.(metav1.Object); ok {
			if name := name(object); name.Name != "" {
				s.queue.Add(key{kind, name})
			}
		}
	}
	_, err := informer.AddEventHandler(cache.ResourceEventHandlerFuncs{
		AddFunc: add, UpdateFunc: func(_, object any) { add(object) }, DeleteFunc: add,
	})
	return err
}

func namespacedName(object metav1.Object) types.NamespacedName {
	return types.NamespacedName{Namespace: object.GetNamespace(), Name: object.GetName()}
}

// originalName is whose copy a host object is; none for what merely carries the label.
func originalName(object metav1.Object) types.NamespacedName {
	annotations := object.GetAnnotations()
	return types.NamespacedName{Namespace: annotations[namespaceAnnotation], Name: annotations[nameAnnotation]}
}

func (s *syncer) next(ctx context.Context) bool {
	key, quit := s.queue.Get()
	if quit {
		return false
	}
	defer s.queue.Done(key)
	if err := s.sync(ctx, key); err != nil {
		log.Printf("%s `%s`: will try again: %v", key.kind, key.NamespacedName, err)
		s.queue.AddRateLimited(key)
		return true
	}
	s.queue.Forget(key)
	return true
}

func (s *syncer) sync(ctx context.Context, key key) error {
	switch key.kind {
	case podKind:
		return s.syncPod(ctx, key.NamespacedName)
	case secretKind:
		return s.syncSecret(ctx, key.NamespacedName)
	case configMapKind:
		return s.syncConfigMap(ctx, key.NamespacedName)
	case claimKind:
		return s.syncClaim(ctx, key.NamespacedName)
	}
	return fmt.Errorf("kind `%s` is not synced", key.kind)
}
