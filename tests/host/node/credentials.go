package main

import (
	"net"
	"os"

	"vc/tests/host/pki"
)

// writeCredentials makes everything anew for each run: an old kubeconfig cannot reach a new host.
func writeCredentials(state stateFolder, network network) error {
	authority, err := pki.NewAuthority(nodeName + "-ca")
	if err != nil {
		return err
	}
	accounts, err := pki.NewServiceAccountKey()
	if err != nil {
		return err
	}
	address := net.ParseIP(network.address())
	files := map[string]pki.Pair{"ca": authority.Pair, "accounts": accounts}
	for name, subject := range map[string]pki.Subject{
		"apiserver": {
			CommonName: "kube-apiserver",
			Names:      []string{"localhost", "kubernetes", "kubernetes.default", "kubernetes.default.svc", "kubernetes.default.svc.cluster.local"},
			Addresses:  []net.IP{net.IPv4(127, 0, 0, 1), net.ParseIP(serviceAddress), address},
		},
		"kubelet":    {CommonName: "system:node:" + nodeName, Organization: []string{"system:nodes"}, Names: []string{nodeName}, Addresses: []net.IP{address}},
		"admin":      {CommonName: "admin", Organization: []string{"system:masters"}},
		"aggregator": {CommonName: "aggregator"},
	} {
		if files[name], err = authority.Issue(subject); err != nil {
			return err
		}
	}
	for name, pair := range files {
		if err := state.write("run/pki/"+name+".crt", pair.Certificate); err != nil {
			return err
		}
		if err := state.write("run/pki/"+name+".key", pair.Key); err != nil {
			return err
		}
	}
	kubeconfig := func(user string) []byte {
		return pki.Kubeconfig{
			Cluster: nodeName, User: user, Context: nodeName,
			Server: network.server(), Authority: authority.Certificate, Client: files[user],
		}.YAML()
	}
	return firstError(
		func() error { return state.write("admin.kubeconfig", kubeconfig("admin")) },
		func() error { return state.write("run/kubelet.kubeconfig", kubeconfig("kubelet")) },
		func() error { return os.Chmod(state.path("admin.kubeconfig"), 0o600) },
	)
}
