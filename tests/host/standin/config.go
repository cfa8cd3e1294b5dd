package main

import (
	_ "embed"
	"fmt"
	"os"
	"strings"

	"sigs.k8s.io/yaml"
)

// config is the part of vcluster.yaml that the stand-in acts on. As with vCluster, what is
// missing is off: the chart writes every default into the file.
type config struct {
	ControlPlane struct {
		Distro struct {
			K8S struct {
				APIServer         program `json:"apiServer"`
				ControllerManager program `json:"controllerManager"`
			} `json:"k8s"`
		} `json:"distro"`
		Advanced struct {
			WorkloadServiceAccount struct {
				Enabled bool   `json:"enabled"`
				Name    string `json:"name"`
			} `json:"workloadServiceAccount"`
		} `json:"advanced"`
	} `json:"controlPlane"`
	Sync struct {
		ToHost struct {
			Pods                   toggle `json:"pods"`
			Secrets                toggle `json:"secrets"`
			ConfigMaps             toggle `json:"configMaps"`
			PersistentVolumeClaims toggle `json:"persistentVolumeClaims"`
		} `json:"toHost"`
	} `json:"sync"`
	Experimental struct {
		SyncSettings struct {
			SetOwner bool `json:"setOwner"`
		} `json:"syncSettings"`
	} `json:"experimental"`
}

type program struct {
	ExtraArgs []string `json:"extraArgs"`
}

type toggle struct {
	Enabled bool `json:"enabled"`
}

//go:embed keys.txt
var keyTable string

func readConfig(path string) (config, error) {
	content, err := os.ReadFile(path)
	if err != nil {
		return config{}, err
	}
	return parseConfig(content)
}

func parseConfig(content []byte) (parsed config, err error) {
	var tree any
	if err := yaml.Unmarshal(content, &tree); err != nil {
		return config{}, fmt.Errorf("config.yaml: %w", err)
	}
	if err := checkKeys(knownKeys(keyTable), ".", tree); err != nil {
		return config{}, fmt.Errorf("config.yaml: %w", err)
	}
	if err := yaml.Unmarshal(content, &parsed); err != nil {
		return config{}, fmt.Errorf("config.yaml: %w", err)
	}
	return parsed, nil
}

func knownKeys(table string) map[string]map[string]bool {
	known := map[string]map[string]bool{}
	for line := range strings.Lines(table) {
		path, keys, found := strings.Cut(line, ": ")
		if !found || strings.HasPrefix(line, "#") {
			continue
		}
		known[path] = map[string]bool{}
		for _, key := range strings.Fields(keys) {
			known[path][key] = true
		}
	}
	return known
}

// checkKeys words the error as vCluster's decoder does, and adds where the key stands.
func checkKeys(known map[string]map[string]bool, path string, value any) error {
	keys, isKnown := known[path]
	if !isKnown {
		return nil
	}
	switch value := value.(type) {
	case map[string]any:
		for key, child := range value {
			name := key
			if keys["*"] {
				name = "*"
			} else if !keys[key] {
				return fmt.Errorf("json: unknown field %q (in `%s`)", key, path)
			}
			if err := checkKeys(known, below(path, name), child); err != nil {
				return err
			}
		}
	case []any:
		for _, item := range value {
			if err := checkKeys(known, below(path, "[]"), item); err != nil {
				return err
			}
		}
	}
	return nil
}

func below(path, key string) string {
	if path == "." {
		return key
	}
	return path + "." + key
}
