package main

import (
	"context"
	"fmt"
	"log"

	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/api/equality"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/types"
)

// syncPod: the tenant decides that a pod is and what it is, the host what becomes of it.
func (s *syncer) syncPod(ctx context.Context, name types.NamespacedName) error {
	pod, err := s.pods.Pods(name.Namespace).Get(name.Name)
	if err != nil && !apierrors.IsNotFound(err) {
		return err
	}
	exists := err == nil
	hostPod, err := s.hostPods.Pods(s.namespace).Get(s.hostName(name.Name, name.Namespace))
	if err != nil && !apierrors.IsNotFound(err) {
		return err
	}
	hostExists := err == nil
	isAnother := hostExists && exists && hostPod.Annotations[uidAnnotation] != string(pod.UID)

	switch {
	case !exists && !hostExists:
		return s.removeTokens(ctx, name)
	case !exists || isAnother:
		return s.deleteHostPod(ctx, hostPod, nil)
	case pod.DeletionTimestamp != nil && hostExists:
		if err := s.deleteHostPod(ctx, hostPod, pod.DeletionGracePeriodSeconds); err != nil {
			return err
		}
		return s.copyStatus(ctx, pod, hostPod)
	case pod.DeletionTimestamp != nil:
		return s.finishPod(ctx, pod)
	case !hostExists && wasBound(pod):
		return s.followDeletion(ctx, pod)
	case !hostExists && isOver(pod):
		return nil
	case !hostExists:
		return s.createHostPod(ctx, pod)
	}
	if hostPod.DeletionTimestamp != nil {
		return s.beginDeletion(ctx, pod, hostPod.DeletionGracePeriodSeconds)
	}
	if pod.Spec.NodeName == "" && hostPod.Spec.NodeName != "" {
		if err := s.bind(ctx, pod, hostPod); err != nil {
			return err
		}
	}
	return s.copyStatus(ctx, pod, hostPod)
}

func isOver(pod *corev1.Pod) bool {
	return pod.Status.Phase == corev1.PodSucceeded || pod.Status.Phase == corev1.PodFailed
}

// wasBound is true of a pod that had a copy on the host; a tenant may set a node's name without.
func wasBound(pod *corev1.Pod) bool {
	for _, condition := range pod.Status.Conditions {
		if condition.Type == corev1.PodScheduled && condition.Status == corev1.ConditionTrue {
			return pod.Spec.NodeName != ""
		}
	}
	return false
}

func (s *syncer) createHostPod(ctx context.Context, pod *corev1.Pod) error {
	copied, used, err := s.toHostPod(pod)
	if err != nil {
		return err
	}
	if err := s.bringReferences(ctx, pod, used); err != nil {
		return err
	}
	_, err = s.host.CoreV1().Pods(s.namespace).Create(ctx, copied, metav1.CreateOptions{})
	if apierrors.IsAlreadyExists(err) {
		return nil
	}
	if err == nil {
		log.Printf("created pod `%s`", copied.Name)
	}
	return err
}

func (s *syncer) deleteHostPod(ctx context.Context, hostPod *corev1.Pod, grace *int64) error {
	if hostPod.DeletionTimestamp != nil {
		return nil
	}
	err := s.host.CoreV1().Pods(s.namespace).Delete(ctx, hostPod.Name, metav1.DeleteOptions{
		GracePeriodSeconds: grace, Preconditions: metav1.NewUIDPreconditions(string(hostPod.UID)),
	})
	return ignoreGone(err)
}

// followDeletion: somebody deleted the copy, as a sleep does. The tenant's controllers then make another.
func (s *syncer) followDeletion(ctx context.Context, pod *corev1.Pod) error {
	_, err := s.host.CoreV1().Pods(s.namespace).Get(ctx, s.hostName(pod.Name, pod.Namespace), metav1.GetOptions{})
	if !apierrors.IsNotFound(err) {
		// Either it is there and the cache is late, or the question failed.
		return err
	}
	log.Printf("the copy of pod `%s/%s` is gone", pod.Namespace, pod.Name)
	return s.finishPod(ctx, pod)
}

// beginDeletion: the copy is on its way out, and the tenant shall see that.
func (s *syncer) beginDeletion(ctx context.Context, pod *corev1.Pod, grace *int64) error {
	err := s.virtual.CoreV1().Pods(pod.Namespace).Delete(ctx, pod.Name, metav1.DeleteOptions{
		GracePeriodSeconds: grace, Preconditions: metav1.NewUIDPreconditions(string(pod.UID)),
	})
	return ignoreGone(err)
}

// finishPod takes the pod away at once: nothing of it runs any more.
func (s *syncer) finishPod(ctx context.Context, pod *corev1.Pod) error {
	now := int64(0)
	return s.beginDeletion(ctx, pod, &now)
}

// ignoreGone: what is deleted may be gone already, or be another object by now.
func ignoreGone(err error) error {
	if apierrors.IsNotFound(err) || apierrors.IsConflict(err) {
		return nil
	}
	return err
}

func (s *syncer) bind(ctx context.Context, pod, hostPod *corev1.Pod) error {
	if err := s.ensureNode(ctx, hostPod.Spec.NodeName); err != nil {
		return fmt.Errorf("cannot make node `%s`: %w", hostPod.Spec.NodeName, err)
	}
	err := s.virtual.CoreV1().Pods(pod.Namespace).Bind(ctx, &corev1.Binding{
		ObjectMeta: metav1.ObjectMeta{Name: pod.Name, Namespace: pod.Namespace, UID: pod.UID},
		Target:     corev1.ObjectReference{Kind: "Node", Name: hostPod.Spec.NodeName},
	}, metav1.CreateOptions{})
	return ignoreGone(err)
}

func (s *syncer) copyStatus(ctx context.Context, pod, hostPod *corev1.Pod) error {
	wanted := pod.DeepCopy()
	hostPod.Status.DeepCopyInto(&wanted.Status)
	// The API server refuses a change of the class, and a generation is each cluster's own.
	wanted.Status.QOSClass = pod.Status.QOSClass
	wanted.Status.ObservedGeneration = pod.Status.ObservedGeneration
	for i := range wanted.Status.Conditions {
		wanted.Status.Conditions[i].ObservedGeneration = 0
	}
	if equality.Semantic.DeepEqual(pod.Status, wanted.Status) {
		return nil
	}
	// Without a version: the host's word stands, whatever the cache missed.
	wanted.ResourceVersion = ""
	_, err := s.virtual.CoreV1().Pods(pod.Namespace).UpdateStatus(ctx, wanted, metav1.UpdateOptions{})
	return ignoreGone(err)
}
