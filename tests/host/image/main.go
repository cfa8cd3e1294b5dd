// Command image writes a container image as a docker archive with one layer, from
// files of this machine or as it is in a public registry, for `ctr images import`. No
// container engine is involved.
//
//	image -out FILE -pull REF
//	image -out FILE -name REF [-name REF] [-file PATH=SOURCE] [-link PATH=TARGET] [-dir PATH] [-command ARG]... -- [ENTRYPOINT ARG...]
package main

import (
	"archive/tar"
	"bytes"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"flag"
	"fmt"
	"io"
	"os"
	"path"
	"runtime"
	"strings"
)

type list []string

func (l *list) String() string         { return strings.Join(*l, " ") }
func (l *list) Set(value string) error { *l = append(*l, value); return nil }

type image struct {
	names, files, links, folders, command list
	entrypoint                            []string
}

func main() {
	var built image
	out := flag.String("out", "", "the archive to write")
	flag.Var(&built.names, "name", "a full reference, such as docker.io/library/busybox:latest")
	flag.Var(&built.files, "file", "PATH=SOURCE: an executable at PATH with SOURCE's content")
	flag.Var(&built.links, "link", "PATH=TARGET: a symbolic link")
	flag.Var(&built.folders, "dir", "an empty folder anyone may write to")
	flag.Var(&built.command, "command", "one word of the command that a container may replace")
	pulled := flag.String("pull", "", "a full reference to copy instead of making one")
	flag.Parse()
	built.entrypoint = flag.Args()
	var err error
	if *pulled != "" {
		err = pull(*pulled, *out)
	} else {
		err = built.write(*out)
	}
	if err != nil {
		fmt.Fprintf(os.Stderr, "image: cannot write `%s`: %v\n", *out, err)
		os.Exit(1)
	}
}

func (i *image) write(out string) (err error) {
	partial := out + ".partial"
	layer, err := os.Create(partial + ".layer")
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, layer.Close(), os.Remove(layer.Name())) }()
	digest := sha256.New()
	if err := i.writeLayer(io.MultiWriter(layer, digest)); err != nil {
		return err
	}
	archive, err := os.Create(partial)
	if err != nil {
		return err
	}
	if err := i.writeArchive(archive, layer, hex.EncodeToString(digest.Sum(nil))); err != nil {
		return errors.Join(err, archive.Close())
	}
	if err := archive.Close(); err != nil {
		return err
	}
	return os.Rename(partial, out)
}

func (i *image) writeLayer(out io.Writer) error {
	layer := tar.NewWriter(out)
	for _, folder := range i.parents() {
		if err := layer.WriteHeader(&tar.Header{Typeflag: tar.TypeDir, Name: folder + "/", Mode: 0o755}); err != nil {
			return err
		}
	}
	for _, folder := range i.folders {
		if err := layer.WriteHeader(&tar.Header{Typeflag: tar.TypeDir, Name: relative(folder) + "/", Mode: 0o1777}); err != nil {
			return err
		}
	}
	for _, file := range i.files {
		name, source, _ := strings.Cut(file, "=")
		if err := copyFile(layer, relative(name), source); err != nil {
			return err
		}
	}
	for _, link := range i.links {
		name, target, _ := strings.Cut(link, "=")
		header := &tar.Header{Typeflag: tar.TypeSymlink, Name: relative(name), Linkname: target, Mode: 0o777}
		if err := layer.WriteHeader(header); err != nil {
			return err
		}
	}
	return layer.Close()
}

// parents is every folder above a file or link, each after its own parent.
func (i *image) parents() []string {
	var found []string
	seen := map[string]bool{}
	var add func(string)
	add = func(folder string) {
		if folder == "." || seen[folder] {
			return
		}
		seen[folder] = true
		add(path.Dir(folder))
		found = append(found, folder)
	}
	for _, entry := range append(append(list{}, i.files...), i.links...) {
		name, _, _ := strings.Cut(entry, "=")
		add(path.Dir(relative(name)))
	}
	return found
}

func (i *image) writeArchive(out io.Writer, layer *os.File, digest string) error {
	config, err := json.Marshal(map[string]any{
		"architecture": runtime.GOARCH,
		"os":           "linux",
		"config":       map[string]any{"Entrypoint": i.entrypoint, "Cmd": i.command, "Env": list{"PATH=/bin:/usr/bin"}},
		"rootfs":       map[string]any{"type": "layers", "diff_ids": []string{"sha256:" + digest}},
		"history":      []map[string]any{{"created_by": "vc tests/host/image"}},
	})
	if err != nil {
		return err
	}
	sum := sha256.Sum256(config)
	configName := hex.EncodeToString(sum[:]) + ".json"
	layerName := digest + "/layer.tar"
	manifest, err := json.Marshal([]map[string]any{{"Config": configName, "RepoTags": i.names, "Layers": []string{layerName}}})
	if err != nil {
		return err
	}
	size, err := layer.Seek(0, io.SeekCurrent)
	if err != nil {
		return err
	}
	if _, err := layer.Seek(0, io.SeekStart); err != nil {
		return err
	}
	archive := tar.NewWriter(out)
	for _, entry := range []struct {
		name    string
		size    int64
		content io.Reader
	}{
		{configName, int64(len(config)), bytes.NewReader(config)},
		{layerName, size, layer},
		{"manifest.json", int64(len(manifest)), bytes.NewReader(manifest)},
	} {
		if err := archive.WriteHeader(&tar.Header{Typeflag: tar.TypeReg, Name: entry.name, Size: entry.size, Mode: 0o644}); err != nil {
			return err
		}
		if _, err := io.Copy(archive, entry.content); err != nil {
			return err
		}
	}
	return archive.Close()
}

func copyFile(layer *tar.Writer, name, source string) error {
	file, err := os.Open(source)
	if err != nil {
		return err
	}
	defer file.Close()
	facts, err := file.Stat()
	if err != nil {
		return err
	}
	// No time stamp: the same input gives the same digest.
	if err := layer.WriteHeader(&tar.Header{Typeflag: tar.TypeReg, Name: name, Size: facts.Size(), Mode: 0o755}); err != nil {
		return err
	}
	_, err = io.Copy(layer, file)
	return err
}

func relative(name string) string { return path.Clean(strings.TrimPrefix(name, "/")) }
