package main

import (
	"strings"
	"testing"
)

func TestUnknownKeysAreRefusedAtEveryDepth(t *testing.T) {
	for text, key := range map[string]string{
		"controlPlan: {}":                          "controlPlan",
		"sync: {toHost: {pod: {enabled: true}}}":   "pod",
		"controlPlane: {distro: {k8s: {nope: 1}}}": "nope",
	} {
		_, err := parseConfig([]byte(text))
		if err == nil || !strings.Contains(err.Error(), "json: unknown field \""+key+"\"") {
			t.Errorf("%s: %v", text, err)
		}
	}
}

func TestWhatIsMissingIsOff(t *testing.T) {
	parsed, err := parseConfig([]byte("sync: {toHost: {pods: {enabled: true}}}"))
	if err != nil || !parsed.Sync.ToHost.Pods.Enabled || parsed.Sync.ToHost.Secrets.Enabled {
		t.Errorf("%+v, %v", parsed, err)
	}
}

func TestFreeFormMapsTakeAnyKey(t *testing.T) {
	if _, err := parseConfig([]byte("controlPlane: {coredns: {deployment: {nodeSelector: {disk: ssd}}}}")); err != nil {
		t.Error(err)
	}
}

func TestHostNames(t *testing.T) {
	cluster := &cluster{name: "dev"}
	if name := cluster.hostName("web-0", "default"); name != "web-0-x-default-x-dev" {
		t.Error(name)
	}
	long := cluster.hostName(strings.Repeat("a", 70), "default")
	if len(long) != 63 || !strings.HasPrefix(long, strings.Repeat("a", 52)+"-") {
		t.Error(long)
	}
}
