package main

import (
	"archive/tar"
	"bytes"
	"encoding/json"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/url"
	"os"
	"regexp"
	"runtime"
	"strings"
	"time"
)

// registry is one repository of a public registry, spoken to without an account.
type registry struct {
	base   string
	client http.Client
	token  string
}

type descriptor struct {
	MediaType string `json:"mediaType"`
	Digest    string `json:"digest"`
	Size      int64  `json:"size"`
	Platform  struct {
		Architecture string `json:"architecture"`
		OS           string `json:"os"`
	} `json:"platform"`
}

type manifest struct {
	Manifests []descriptor `json:"manifests"`
	Config    descriptor   `json:"config"`
	Layers    []descriptor `json:"layers"`
}

const acceptedManifests = "application/vnd.oci.image.index.v1+json, application/vnd.docker.distribution.manifest.list.v2+json, " +
	"application/vnd.oci.image.manifest.v1+json, application/vnd.docker.distribution.manifest.v2+json"

// pull copies a public image into a docker archive. Without a way to the registry it fails within seconds.
func pull(reference, out string) error {
	host, rest, _ := strings.Cut(reference, "/")
	repository, tag, _ := strings.Cut(rest, ":")
	return pullFrom("https://"+host+"/v2/"+repository, tag, reference, out)
}

func pullFrom(base, tag, reference, out string) (err error) {
	dialer := net.Dialer{Timeout: 3 * time.Second}
	r := &registry{base: base, client: http.Client{Transport: &http.Transport{
		DialContext: dialer.DialContext, TLSHandshakeTimeout: 3 * time.Second, ResponseHeaderTimeout: 10 * time.Second, Proxy: http.ProxyFromEnvironment,
	}}}
	found, err := r.manifest(tag)
	if err != nil {
		return err
	}
	for _, candidate := range found.Manifests {
		if candidate.Platform.OS == "linux" && candidate.Platform.Architecture == runtime.GOARCH {
			if found, err = r.manifest(candidate.Digest); err != nil {
				return err
			}
			break
		}
	}
	if len(found.Layers) == 0 {
		return fmt.Errorf("`%s` has no image for %s", reference, runtime.GOARCH)
	}
	archive, err := os.Create(out + ".partial")
	if err != nil {
		return err
	}
	defer archive.Close()
	if err := r.copyImage(archive, found, reference); err != nil {
		return err
	}
	return os.Rename(archive.Name(), out)
}

func (r *registry) copyImage(out io.Writer, image manifest, reference string) error {
	archive := tar.NewWriter(out)
	file := func(blob descriptor) string { return strings.TrimPrefix(blob.Digest, "sha256:") }
	var layers []string
	for _, blob := range append([]descriptor{image.Config}, image.Layers...) {
		if blob.Digest != image.Config.Digest {
			layers = append(layers, file(blob))
		}
		if err := archive.WriteHeader(&tar.Header{Typeflag: tar.TypeReg, Name: file(blob), Size: blob.Size, Mode: 0o644}); err != nil {
			return err
		}
		// What is not as long as promised, the archive refuses; containerd checks the digests.
		content, err := r.open("/blobs/"+blob.Digest, "*/*")
		if err != nil {
			return err
		}
		_, err = io.Copy(archive, content)
		content.Close()
		if err != nil {
			return err
		}
	}
	list, err := json.Marshal([]map[string]any{{"Config": file(image.Config), "RepoTags": []string{reference}, "Layers": layers}})
	if err != nil {
		return err
	}
	if err := archive.WriteHeader(&tar.Header{Typeflag: tar.TypeReg, Name: "manifest.json", Size: int64(len(list)), Mode: 0o644}); err != nil {
		return err
	}
	if _, err := io.Copy(archive, bytes.NewReader(list)); err != nil {
		return err
	}
	return archive.Close()
}

func (r *registry) manifest(reference string) (found manifest, err error) {
	content, err := r.open("/manifests/"+reference, acceptedManifests)
	if err != nil {
		return manifest{}, err
	}
	defer content.Close()
	err = json.NewDecoder(content).Decode(&found)
	return found, err
}

// open asks once without and, if told where to get one, once with an anonymous token.
func (r *registry) open(path, accept string) (io.ReadCloser, error) {
	for {
		request, err := http.NewRequest(http.MethodGet, r.base+path, nil)
		if err != nil {
			return nil, err
		}
		request.Header.Set("Accept", accept)
		if r.token != "" {
			request.Header.Set("Authorization", "Bearer "+r.token)
		}
		answer, err := r.client.Do(request)
		if err != nil {
			return nil, err
		}
		if answer.StatusCode == http.StatusOK {
			return answer.Body, nil
		}
		answer.Body.Close()
		if answer.StatusCode != http.StatusUnauthorized || r.token != "" {
			return nil, fmt.Errorf("`%s` answered %s", r.base+path, answer.Status)
		}
		if err := r.fetchToken(answer.Header.Get("WWW-Authenticate")); err != nil {
			return nil, err
		}
	}
}

var challengeField = regexp.MustCompile(`(\w+)="([^"]*)"`)

func (r *registry) fetchToken(challenge string) error {
	realm, query := "", url.Values{}
	for _, field := range challengeField.FindAllStringSubmatch(challenge, -1) {
		if field[1] == "realm" {
			realm = field[2]
		} else {
			query.Set(field[1], field[2])
		}
	}
	answer, err := r.client.Get(realm + "?" + query.Encode())
	if err != nil {
		return err
	}
	defer answer.Body.Close()
	var given struct {
		Token string `json:"token"`
	}
	if err := json.NewDecoder(answer.Body).Decode(&given); err != nil || given.Token == "" {
		return fmt.Errorf("`%s` gave no token", realm)
	}
	r.token = given.Token
	return nil
}
