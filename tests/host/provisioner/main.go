// Command provisioner makes the volumes of the test host's StorageClass: one folder for
// each claim, removed with it. It runs beside the cluster, as the administrator.
//
// When a claim is due and where its pod will run is decided by Kubernetes' own controllers;
// this program only answers, and only for claims that name it.
package main

import (
	"context"
	"flag"
	"fmt"
	"log"
	"os"
	"os/signal"
	"path/filepath"
	"syscall"
	"time"

	corev1 "k8s.io/api/core/v1"
	storagev1 "k8s.io/api/storage/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/client-go/informers"
	"k8s.io/client-go/kubernetes"
	"k8s.io/client-go/tools/cache"
	"k8s.io/client-go/tools/clientcmd"
	"k8s.io/client-go/util/workqueue"
)

const (
	provisionerName = "vc.test/folder"

	provisionerAnnotation   = "volume.kubernetes.io/storage-provisioner"
	selectedNodeAnnotation  = "volume.kubernetes.io/selected-node"
	provisionedByAnnotation = "pv.kubernetes.io/provisioned-by"
)

func main() {
	kubeconfig := flag.String("kubeconfig", "", "the administrator's kubeconfig")
	folder := flag.String("folder", "", "where volumes are made, as pods of the node see it")
	flag.Parse()
	ctx, stop := signal.NotifyContext(context.Background(), syscall.SIGTERM, os.Interrupt)
	defer stop()
	if err := run(ctx, *kubeconfig, *folder); err != nil {
		fmt.Fprintf(os.Stderr, "provisioner: %v\n", err)
		os.Exit(1)
	}
}

type provisioner struct {
	client  kubernetes.Interface
	folder  string
	claims  cache.SharedIndexInformer
	volumes cache.SharedIndexInformer
	classes cache.SharedIndexInformer
	queue   workqueue.TypedRateLimitingInterface[item]
}

// item is a claim, or a volume when it has no namespace.
type item struct{ namespace, name string }

func run(ctx context.Context, kubeconfig, folder string) error {
	config, err := clientcmd.BuildConfigFromFlags("", kubeconfig)
	if err != nil {
		return err
	}
	config.QPS, config.Burst = 200, 400
	client, err := kubernetes.NewForConfig(config)
	if err != nil {
		return err
	}
	factory := informers.NewSharedInformerFactory(client, 0)
	p := &provisioner{
		client:  client,
		folder:  folder,
		claims:  factory.Core().V1().PersistentVolumeClaims().Informer(),
		volumes: factory.Core().V1().PersistentVolumes().Informer(),
		classes: factory.Storage().V1().StorageClasses().Informer(),
		queue: workqueue.NewTypedRateLimitingQueue(
			workqueue.NewTypedItemExponentialFailureRateLimiter[item](50*time.Millisecond, 5*time.Second)),
	}
	add := func(object any) {
		// Without an error for the two kinds that are watched.
		if key, err := cache.ObjectToName(object); err == nil {
			p.queue.Add(item{key.Namespace, key.Name})
		}
	}
	changed := cache.ResourceEventHandlerFuncs{AddFunc: add, UpdateFunc: func(_, object any) { add(object) }}
	for _, informer := range []cache.SharedIndexInformer{p.claims, p.volumes} {
		if _, err := informer.AddEventHandler(changed); err != nil {
			return err
		}
	}
	factory.Start(ctx.Done())
	factory.WaitForCacheSync(ctx.Done())
	log.Printf("makes volumes in `%s`", folder)
	go func() {
		<-ctx.Done()
		p.queue.ShutDown()
	}()
	for p.next(ctx) {
	}
	return nil
}

func (p *provisioner) next(ctx context.Context) bool {
	item, quit := p.queue.Get()
	if quit {
		return false
	}
	defer p.queue.Done(item)
	work := p.provision
	if item.namespace == "" {
		work = p.reclaim
	}
	if err := work(ctx, item); err != nil {
		log.Printf("will try `%s/%s` again: %v", item.namespace, item.name, err)
		p.queue.AddRateLimited(item)
		return true
	}
	p.queue.Forget(item)
	return true
}

// provision makes the folder and the volume that a claim waits for.
func (p *provisioner) provision(ctx context.Context, item item) error {
	object, exists, err := p.claims.GetStore().GetByKey(item.namespace + "/" + item.name)
	if err != nil || !exists {
		return err
	}
	claim := object.(*corev1.PersistentVolumeClaim)
	// Kubernetes writes the annotation when the claim is due: for WaitForFirstConsumer, once a pod was scheduled.
	if claim.Spec.VolumeName != "" || claim.DeletionTimestamp != nil || claim.Annotations[provisionerAnnotation] != provisionerName {
		return nil
	}
	class, err := p.class(claim)
	if err != nil || class == nil {
		return err
	}
	waits := class.VolumeBindingMode != nil && *class.VolumeBindingMode == storagev1.VolumeBindingWaitForFirstConsumer
	if waits && claim.Annotations[selectedNodeAnnotation] == "" {
		return nil
	}
	name := "pvc-" + string(claim.UID)
	path := filepath.Join(p.folder, name)
	if err := os.MkdirAll(path, 0o777); err != nil {
		return err
	}
	// Past the umask: pods of any user write here.
	if err := os.Chmod(path, 0o777); err != nil {
		return err
	}
	volume := newVolume(name, path, claim, class)
	_, err = p.client.CoreV1().PersistentVolumes().Create(ctx, volume, metav1.CreateOptions{})
	if apierrors.IsAlreadyExists(err) {
		return nil
	}
	if err == nil {
		log.Printf("made `%s` for claim `%s/%s`", name, item.namespace, item.name)
	}
	return err
}

func (p *provisioner) class(claim *corev1.PersistentVolumeClaim) (*storagev1.StorageClass, error) {
	if claim.Spec.StorageClassName == nil {
		return nil, nil
	}
	object, exists, err := p.classes.GetStore().GetByKey(*claim.Spec.StorageClassName)
	if err != nil || !exists {
		return nil, err
	}
	return object.(*storagev1.StorageClass), nil
}

func newVolume(name, path string, claim *corev1.PersistentVolumeClaim, class *storagev1.StorageClass) *corev1.PersistentVolume {
	directory := corev1.HostPathDirectory
	volume := &corev1.PersistentVolume{
		ObjectMeta: metav1.ObjectMeta{Name: name, Annotations: map[string]string{provisionedByAnnotation: provisionerName}},
		Spec: corev1.PersistentVolumeSpec{
			Capacity:                      corev1.ResourceList{corev1.ResourceStorage: claim.Spec.Resources.Requests[corev1.ResourceStorage]},
			AccessModes:                   claim.Spec.AccessModes,
			StorageClassName:              class.Name,
			PersistentVolumeReclaimPolicy: corev1.PersistentVolumeReclaimDelete,
			ClaimRef: &corev1.ObjectReference{
				APIVersion: "v1", Kind: "PersistentVolumeClaim",
				Namespace: claim.Namespace, Name: claim.Name, UID: claim.UID, ResourceVersion: claim.ResourceVersion,
			},
			PersistentVolumeSource: corev1.PersistentVolumeSource{
				HostPath: &corev1.HostPathVolumeSource{Path: path, Type: &directory},
			},
		},
	}
	if class.ReclaimPolicy != nil {
		volume.Spec.PersistentVolumeReclaimPolicy = *class.ReclaimPolicy
	}
	if node := claim.Annotations[selectedNodeAnnotation]; node != "" {
		volume.Spec.NodeAffinity = &corev1.VolumeNodeAffinity{Required: &corev1.NodeSelector{NodeSelectorTerms: []corev1.NodeSelectorTerm{{
			MatchExpressions: []corev1.NodeSelectorRequirement{{Key: corev1.LabelHostname, Operator: corev1.NodeSelectorOpIn, Values: []string{node}}},
		}}}}
	}
	return volume
}

// reclaim removes a volume whose claim is gone: its content first, so that a volume that
// still exists still says that something is left.
func (p *provisioner) reclaim(ctx context.Context, item item) error {
	object, exists, err := p.volumes.GetStore().GetByKey(item.name)
	if err != nil || !exists {
		return err
	}
	volume := object.(*corev1.PersistentVolume)
	isOurs := volume.Annotations[provisionedByAnnotation] == provisionerName
	isOver := volume.Status.Phase == corev1.VolumeReleased && volume.Spec.PersistentVolumeReclaimPolicy == corev1.PersistentVolumeReclaimDelete
	if !isOurs || !isOver || volume.DeletionTimestamp != nil {
		return nil
	}
	if err := os.RemoveAll(filepath.Join(p.folder, volume.Name)); err != nil {
		return err
	}
	err = p.client.CoreV1().PersistentVolumes().Delete(ctx, volume.Name, metav1.DeleteOptions{})
	if apierrors.IsNotFound(err) {
		return nil
	}
	if err == nil {
		log.Printf("removed `%s`", volume.Name)
	}
	return err
}
