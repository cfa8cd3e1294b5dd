package main

import (
	"context"
	"runtime"
	"time"

	corev1 "k8s.io/api/core/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	"k8s.io/apimachinery/pkg/api/resource"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/labels"
)

var everything = labels.Everything()

// ensureNode makes the node that a pod runs on exist for the tenant. The host's own node
// may not be read with the rights of a Role, so its figures are this machine's.
func (s *syncer) ensureNode(ctx context.Context, name string) error {
	nodes := s.virtual.CoreV1().Nodes()
	_, err := nodes.Get(ctx, name, metav1.GetOptions{})
	if err == nil || !apierrors.IsNotFound(err) {
		return err
	}
	node, err := nodes.Create(ctx, &corev1.Node{ObjectMeta: metav1.ObjectMeta{
		Name:        name,
		Annotations: map[string]string{"vcluster.loft.sh/fake-node": "true"},
		Labels: map[string]string{
			corev1.LabelHostname: name, corev1.LabelOSStable: runtime.GOOS, corev1.LabelArchStable: runtime.GOARCH,
			"vcluster.loft.sh/fake-node": "true",
		},
	}}, metav1.CreateOptions{})
	if apierrors.IsAlreadyExists(err) {
		return nil
	}
	if err != nil {
		return err
	}
	// Every node starts with a taint that a controller which does not run here would remove.
	node.Spec.Taints = nil
	if node, err = nodes.Update(ctx, node, metav1.UpdateOptions{}); err != nil {
		return err
	}
	node.Status = s.nodeStatus(name)
	_, err = nodes.UpdateStatus(ctx, node, metav1.UpdateOptions{})
	return err
}

// moveNodes gives the nodes of an earlier life this pod's address.
func (s *syncer) moveNodes(ctx context.Context) error {
	found, err := s.virtual.CoreV1().Nodes().List(ctx, metav1.ListOptions{LabelSelector: "vcluster.loft.sh/fake-node=true"})
	if err != nil {
		return err
	}
	for _, node := range found.Items {
		node.Status = s.nodeStatus(node.Name)
		if _, err := s.virtual.CoreV1().Nodes().UpdateStatus(ctx, &node, metav1.UpdateOptions{}); err != nil {
			return err
		}
	}
	return nil
}

func (s *syncer) nodeStatus(name string) corev1.NodeStatus {
	room := corev1.ResourceList{
		corev1.ResourceCPU:    *resource.NewQuantity(int64(runtime.NumCPU()), resource.DecimalSI),
		corev1.ResourceMemory: resource.MustParse("16Gi"),
		corev1.ResourcePods:   resource.MustParse("110"),
	}
	now := metav1.NewTime(time.Now())
	return corev1.NodeStatus{
		Capacity: room, Allocatable: room,
		Addresses: []corev1.NodeAddress{
			{Type: corev1.NodeInternalIP, Address: s.podAddress},
			{Type: corev1.NodeHostName, Address: name},
		},
		DaemonEndpoints: corev1.NodeDaemonEndpoints{KubeletEndpoint: corev1.DaemonEndpoint{Port: kubeletPort}},
		NodeInfo:        corev1.NodeSystemInfo{OperatingSystem: runtime.GOOS, Architecture: runtime.GOARCH, KubeletVersion: "v1.36.3"},
		Conditions: []corev1.NodeCondition{{
			Type: corev1.NodeReady, Status: corev1.ConditionTrue, Reason: "Standin", Message: notice,
			LastHeartbeatTime: now, LastTransitionTime: now,
		}},
	}
}
