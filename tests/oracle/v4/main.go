// Renders charts with the real Helm, one JSON line in, one JSON line out, until its input ends.
//
// A process per case would spend its time starting; this one renders thousands a second.
package main

import (
	"bufio"
	"encoding/json"
	"fmt"
	"io"
	"log/slog"
	"os"
	"strings"
	"syscall"
	"time"

	"helm.sh/helm/v4/pkg/chart/common"
	"helm.sh/helm/v4/pkg/chart/common/util"
	chartloader "helm.sh/helm/v4/pkg/chart/loader"
	"helm.sh/helm/v4/pkg/chart/loader/archive"
	chart "helm.sh/helm/v4/pkg/chart/v2"
	"helm.sh/helm/v4/pkg/chart/v2/loader"
	chartutil "helm.sh/helm/v4/pkg/chart/v2/util"
	"helm.sh/helm/v4/pkg/engine"
	"helm.sh/helm/v4/pkg/strvals"
)

// One case: a chart, as files or as a path, and what it is rendered with.
type request struct {
	Files       map[string]string `json:"files"`
	Path        string            `json:"path"`
	Values      []string          `json:"values"`
	Set         []string          `json:"set"`
	Release     string            `json:"release"`
	Namespace   string            `json:"namespace"`
	IsUpgrade   bool              `json:"is_upgrade"`
	Revision    int               `json:"revision"`
	KubeVersion string            `json:"kube_version"`
	APIVersions []string          `json:"api_versions"`
}

// What Helm made of it: the text of every template by its name, or why there is none.
type answer struct {
	Rendered map[string]string `json:"rendered,omitempty"`
	Error    string            `json:"error,omitempty"`
}

func main() {
	most := syscall.Rlimit{Cur: memory, Max: memory}
	if err := syscall.Setrlimit(syscall.RLIMIT_AS, &most); err != nil {
		fmt.Fprintln(os.Stderr, "no limit to memory:", err)
	}
	slog.SetDefault(slog.New(slog.NewTextHandler(io.Discard, nil)))
	in := bufio.NewReaderSize(os.Stdin, 1<<20)
	out := json.NewEncoder(os.Stdout)
	out.SetEscapeHTML(false)
	for {
		line, err := in.ReadBytes('\n')
		if len(line) == 0 && err != nil {
			return
		}
		var asked request
		if err := json.Unmarshal(line, &asked); err != nil {
			fmt.Fprintln(os.Stderr, "not a case:", err)
			os.Exit(1)
		}
		if err := out.Encode(answered(asked)); err != nil {
			fmt.Fprintln(os.Stderr, "cannot answer:", err)
			os.Exit(1)
		}
	}
}

// How long one case may take, and how much memory in bytes. Some generated ones have no end, and the program ends with them.
const (
	patience = 30 * time.Second
	memory   = 4 << 30
)

func answered(asked request) (said answer) {
	endless := time.AfterFunc(patience, func() {
		fmt.Fprintln(os.Stderr, "no end after", patience)
		os.Exit(1)
	})
	defer endless.Stop()
	defer func() {
		if broken := recover(); broken != nil {
			said = answer{Error: fmt.Sprint("panic: ", broken)}
		}
	}()
	rendered, err := render(asked)
	if err != nil {
		return answer{Error: err.Error()}
	}
	return answer{Rendered: rendered}
}

func render(asked request) (map[string]string, error) {
	chrt, err := load(asked)
	if err != nil {
		return nil, fmt.Errorf("load: %w", err)
	}
	if err := checkUsable(chrt); err != nil {
		return nil, err
	}
	values, err := valuesOf(asked)
	if err != nil {
		return nil, fmt.Errorf("values: %w", err)
	}
	if err := chartutil.ProcessDependencies(chrt, values); err != nil {
		return nil, fmt.Errorf("dependencies: %w", err)
	}
	version, err := common.ParseKubeVersion(asked.KubeVersion)
	if err != nil {
		return nil, fmt.Errorf("version: %w", err)
	}
	capabilities := common.DefaultCapabilities.Copy()
	capabilities.KubeVersion = *version
	// What depends on how a Helm was built.
	capabilities.HelmVersion.Version = "v4.3.1"
	capabilities.HelmVersion.GoVersion = ""
	if asked.APIVersions != nil {
		capabilities.APIVersions = asked.APIVersions
	}
	if wanted := chrt.Metadata.KubeVersion; wanted != "" && !chartutil.IsCompatibleRange(wanted, version.String()) {
		return nil, fmt.Errorf("kubeVersion: %s is not %s", version, wanted)
	}
	release := common.ReleaseOptions{
		Name:      asked.Release,
		Namespace: asked.Namespace,
		Revision:  asked.Revision,
		IsInstall: !asked.IsUpgrade,
		IsUpgrade: asked.IsUpgrade,
	}
	// Schemas are compared elsewhere.
	top, err := util.ToRenderValuesWithSchemaValidation(chrt, values, release, capabilities, true)
	if err != nil {
		return nil, fmt.Errorf("values: %w", err)
	}
	return engine.Render(chrt, top)
}

// What the command refuses before it renders anything.
func checkUsable(chrt *chart.Chart) error {
	if chrt.Metadata.Type == "library" {
		return fmt.Errorf("%s is a library chart", chrt.Name())
	}
	there := map[string]bool{}
	for _, child := range chrt.Dependencies() {
		there[child.Name()] = true
	}
	for _, wanted := range chrt.Metadata.Dependencies {
		if !there[wanted.Name] {
			return fmt.Errorf("%s is missing in charts/", wanted.Name)
		}
	}
	return nil
}

func load(asked request) (*chart.Chart, error) {
	if asked.Path != "" {
		loaded, err := chartloader.Load(asked.Path)
		if err != nil {
			return nil, err
		}
		chrt, ok := loaded.(*chart.Chart)
		if !ok {
			return nil, fmt.Errorf("a chart of a format that is not compared: %T", loaded)
		}
		return chrt, nil
	}
	var files []*archive.BufferedFile
	for name, text := range asked.Files {
		files = append(files, &archive.BufferedFile{Name: name, Data: []byte(text)})
	}
	return loader.LoadFiles(files)
}

func valuesOf(asked request) (map[string]any, error) {
	merged := map[string]any{}
	for _, text := range asked.Values {
		layer, err := loader.LoadValues(strings.NewReader(text))
		if err != nil {
			return nil, err
		}
		merged = loader.MergeMaps(merged, layer)
	}
	for _, text := range asked.Set {
		if err := strvals.ParseInto(text, merged); err != nil {
			return nil, err
		}
	}
	return merged, nil
}
