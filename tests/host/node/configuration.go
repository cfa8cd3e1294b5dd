package main

import (
	"fmt"
	"strings"
)

// writeConfiguration writes the files of the programs that read one.
func writeConfiguration(state stateFolder, network network, cgroup string) error {
	for name, content := range map[string]string{
		"containerd.toml":      containerdConfig,
		"cni/10-pods.conflist": strings.ReplaceAll(cniConfig, "POD_RANGE", podRange),
		"kubelet.yaml":         fmt.Sprintf(kubeletConfig, cgroup),
		"resolv.conf":          "nameserver 10.96.0.10\n",
	} {
		if err := state.write("run/"+name, []byte(content)); err != nil {
			return err
		}
	}
	return nil
}

// No CAP_SYS_RESOURCE in some places that tests run in, hence restrict_oom_score_adj. The
// disabled plugins would make folders outside of the host's own.
const containerdConfig = `version = 2
root = "/run/vc/run/containerd"
state = "/run/containerd"
disabled_plugins = ["io.containerd.internal.v1.opt", "io.containerd.snapshotter.v1.aufs", "io.containerd.snapshotter.v1.btrfs", "io.containerd.snapshotter.v1.devmapper", "io.containerd.snapshotter.v1.zfs"]

[grpc]
  address = "/run/containerd/containerd.sock"

[plugins."io.containerd.grpc.v1.cri"]
  sandbox_image = "registry.k8s.io/pause:3.10"
  restrict_oom_score_adj = true
  [plugins."io.containerd.grpc.v1.cri".cni]
    bin_dir = "/run/vc/packages/usr/lib/cni"
    conf_dir = "/run/vc/run/cni"
`

// Routed, not bridged: traffic between pods through a service then passes the kernel's
// connection tracking without the module br_netfilter.
const cniConfig = `{"cniVersion": "0.4.0", "name": "pods", "plugins": [
  {"type": "ptp", "ipMasq": false, "ipam": {"type": "host-local", "dataDir": "/run/cni",
    "ranges": [[{"subnet": "POD_RANGE"}]], "routes": [{"dst": "0.0.0.0/0"}]}},
  {"type": "portmap", "capabilities": {"portMappings": true}}]}
`

const kubeletConfig = `apiVersion: kubelet.config.k8s.io/v1beta1
kind: KubeletConfiguration
authentication: {anonymous: {enabled: false}, webhook: {enabled: true}, x509: {clientCAFile: /run/vc/run/pki/ca.crt}}
authorization: {mode: Webhook}
tlsCertFile: /run/vc/run/pki/kubelet.crt
tlsPrivateKeyFile: /run/vc/run/pki/kubelet.key
containerRuntimeEndpoint: unix:///run/containerd/containerd.sock
cgroupDriver: cgroupfs
cgroupRoot: /%s
failCgroupV1: false
failSwapOn: false
enforceNodeAllocatable: []
oomScoreAdj: 0
clusterDomain: cluster.local
clusterDNS: [10.96.0.10]
resolvConf: /run/vc/run/resolv.conf
podLogsDir: /var/log/pods
volumePluginDir: /var/lib/kubelet/volume-plugins
maxPods: 240
serializeImagePulls: false
# A full disk or a long life must not end a test's pods or remove an image that cannot be pulled again.
evictionHard: {memory.available: 100Mi, nodefs.available: 1%%, imagefs.available: 1%%}
imageGCHighThresholdPercent: 100
`
