package main

import (
	"crypto/tls"
	"crypto/x509"
	"log"
	"net"
	"net/http"
	"net/http/httputil"
	"net/url"

	"k8s.io/client-go/rest"
)

const kubeletPort = 10250

// serveKubelet answers as the kubelet of every virtual node: logs, exec, attach and
// port-forward go to the pod's copy, through the host's API server.
func serveKubelet(cluster *cluster, credentials *credentials, hostConfig *rest.Config, failed chan<- error) error {
	hostConfig = rest.CopyConfig(hostConfig)
	// HTTP/2 has no upgrades.
	hostConfig.NextProtos = []string{"http/1.1"}
	transport, err := rest.TransportFor(hostConfig)
	if err != nil {
		return err
	}
	server, err := url.Parse(hostConfig.Host)
	if err != nil {
		return err
	}
	// Joined to an empty path, another one stays relative, which makes no valid request.
	server.Path = "/"
	certificate, err := tls.X509KeyPair(credentials.kubelet.Certificate, credentials.kubelet.Key)
	if err != nil {
		return err
	}
	clients := x509.NewCertPool()
	clients.AppendCertsFromPEM(credentials.authority.Certificate)
	listener, err := net.ListenTCP("tcp", &net.TCPAddr{Port: kubeletPort})
	if err != nil {
		return err
	}
	proxy := func(subresource string) http.Handler {
		return &httputil.ReverseProxy{
			Transport:     transport,
			FlushInterval: -1,
			Rewrite: func(request *httputil.ProxyRequest) {
				in := request.In
				query := toHostQuery(in.URL.Query(), in.PathValue("container"))
				name := cluster.hostName(in.PathValue("pod"), in.PathValue("namespace"))
				request.Out.URL = server.JoinPath("api/v1/namespaces", cluster.namespace, "pods", name, subresource)
				request.Out.URL.RawQuery = query.Encode()
				request.Out.Host = server.Host
			},
		}
	}
	routes := http.NewServeMux()
	routes.Handle("/containerLogs/{namespace}/{pod}/{container}", proxy("log"))
	for path, subresource := range map[string]string{"/exec": "exec", "/attach": "attach"} {
		routes.Handle(path+"/{namespace}/{pod}/{container}", proxy(subresource))
		routes.Handle(path+"/{namespace}/{pod}/{uid}/{container}", proxy(subresource))
	}
	routes.Handle("/portForward/{namespace}/{pod}", proxy("portforward"))
	routes.Handle("/portForward/{namespace}/{pod}/{uid}", proxy("portforward"))
	answering := &http.Server{Handler: routes, TLSConfig: &tls.Config{
		Certificates: []tls.Certificate{certificate},
		ClientAuth:   tls.RequireAndVerifyClientCert,
		ClientCAs:    clients,
		NextProtos:   []string{"http/1.1"},
	}}
	go func() { failed <- answering.ServeTLS(listener, "", "") }()
	log.Printf("answering for kubelets on %d", kubeletPort)
	return nil
}

// toHostQuery turns a question to a kubelet into one to an API server, where streams have other names.
func toHostQuery(query url.Values, container string) url.Values {
	for from, to := range map[string]string{"input": "stdin", "output": "stdout", "error": "stderr", "port": "ports"} {
		if values, found := query[from]; found {
			delete(query, from)
			query[to] = values
		}
	}
	for _, name := range []string{"stdin", "stdout", "stderr", "tty"} {
		if query.Get(name) == "1" {
			query.Set(name, "true")
		}
	}
	if container != "" {
		query.Set("container", container)
	}
	return query
}
