package main

import (
	"archive/tar"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"runtime"
	"strings"
	"testing"
)

func TestPullFollowsTokenAndPlatform(t *testing.T) {
	var server *httptest.Server
	server = httptest.NewServer(http.HandlerFunc(func(answer http.ResponseWriter, request *http.Request) {
		if request.URL.Path == "/token" {
			fmt.Fprintf(answer, `{"token": "for %s"}`, request.URL.Query().Get("scope"))
			return
		}
		if request.Header.Get("Authorization") != "Bearer for pull" {
			answer.Header().Set("WWW-Authenticate", `Bearer realm="`+server.URL+`/token",service="s",scope="pull"`)
			answer.WriteHeader(http.StatusUnauthorized)
			return
		}
		switch strings.TrimPrefix(request.URL.Path, "/v2/a/b") {
		case "/manifests/1.0":
			fmt.Fprintf(answer, `{"manifests": [{"digest": "sha256:m", "platform": {"os": "linux", "architecture": %q}}]}`, runtime.GOARCH)
		case "/manifests/sha256:m":
			fmt.Fprint(answer, `{"config": {"digest": "sha256:c", "size": 2}, "layers": [{"digest": "sha256:l", "size": 5}]}`)
		case "/blobs/sha256:c":
			fmt.Fprint(answer, "{}")
		case "/blobs/sha256:l":
			fmt.Fprint(answer, "layer")
		default:
			answer.WriteHeader(http.StatusNotFound)
		}
	}))
	defer server.Close()

	out := filepath.Join(t.TempDir(), "image.tar")
	if err := pullFrom(server.URL+"/v2/a/b", "1.0", "example.test/a/b:1.0", out); err != nil {
		t.Fatal(err)
	}
	if found := contents(t, out); found != `c={} l=layer manifest.json=[{"Config":"c","Layers":["l"],"RepoTags":["example.test/a/b:1.0"]}]` {
		t.Error(found)
	}
	if err := pullFrom(server.URL+"/v2/a/b", "2.0", "example.test/a/b:2.0", out); err == nil {
		t.Error("a tag that is missing was pulled")
	}
}

func contents(t *testing.T, path string) string {
	t.Helper()
	file, err := os.Open(path)
	if err != nil {
		t.Fatal(err)
	}
	defer file.Close()
	var found []string
	for archive := tar.NewReader(file); ; {
		header, err := archive.Next()
		if err == io.EOF {
			return strings.Join(found, " ")
		}
		if err != nil {
			t.Fatal(err)
		}
		content, err := io.ReadAll(archive)
		if err != nil {
			t.Fatal(err)
		}
		found = append(found, header.Name+"="+string(content))
	}
}
