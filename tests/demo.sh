#!/usr/bin/env bash
# The story of `vc` on a real Kubernetes: create, run something inside, list, delete, and nothing is left.
#
# Takes the host that HOST names, a context of your kubeconfig; else a kind or k3d cluster of its own; else, on Linux
# as root, the Kubernetes of tests/host. Your own kubeconfig is never changed. Usage: make demo [HOST=CONTEXT]
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.."

repository=$PWD
cluster=vc-demo
name=demo
namespace=vcluster-demo
work=$(mktemp -d)
created=''

say() { printf '\n%s\n' "$1"; }

fail() {
  echo "demo: $1" >&2
  exit 1
}

# Shows a command as a user would type it, and runs it.
run() {
  printf '\n$ %s\n' "$*"
  "$@"
}

# shellcheck source=tests/agent.sh
. tests/agent.sh

# Takes back what was made, also when the demo fails or is interrupted.
clean_up() {
  local code=$?
  trap - EXIT INT TERM
  if [ -n "$created" ]; then vc delete "$name" --yes --ignore-missing >/dev/null || true; fi
  end_agent
  rm -rf "$work"
  exit "$code"
}
trap clean_up EXIT
trap 'exit 130' INT
trap 'exit 143' TERM

is_here() { command -v "$1" >/dev/null; }

is_own_host_possible() { [ "$(uname -s)" = Linux ] && [ "$(id -u)" = 0 ]; }

# Writes a kubeconfig that leads to the host into $work/host, and says which host it is.
find_host() {
  if [ -n "${HOST:-}" ]; then
    is_here kubectl || fail "\`HOST=$HOST\` needs \`kubectl\`, and it is not installed"
    say "Host: the context \`$HOST\` of your kubeconfig"
    kubectl config view --raw --minify --flatten --context "$HOST" >"$work/host" || fail "your kubeconfig has no context \`$HOST\`"
    kubectl --kubeconfig "$work/host" config use-context "$HOST" >/dev/null
  elif is_here kubectl && is_here kind && kind get clusters >"$work/clusters" 2>/dev/null; then
    say "Host: the kind cluster \`$cluster\` (\`kind delete cluster --name $cluster\` removes it)"
    grep -qx "$cluster" "$work/clusters" || kind create cluster --name "$cluster" --wait 120s --kubeconfig "$work/created"
    kind get kubeconfig --name "$cluster" >"$work/host"
  elif is_here kubectl && is_here k3d && k3d cluster list --no-headers >"$work/clusters" 2>/dev/null; then
    say "Host: the k3d cluster \`$cluster\` (\`k3d cluster delete $cluster\` removes it)"
    grep -q "^${cluster}[[:space:]]" "$work/clusters" \
      || k3d cluster create "$cluster" --wait --kubeconfig-update-default=false --kubeconfig-switch-context=false
    k3d kubeconfig get "$cluster" >"$work/host"
  elif is_own_host_possible; then
    say "Host: the project's own Kubernetes, in tests/host (\`make host-down\` ends it)"
    tests/host/host up
    cp "$(tests/host/host kubeconfig)" "$work/host"
    is_here kubectl || PATH=$PATH:${VC_HOST_STATE:-$repository/tests/host/.state}/bin
  else
    cat >&2 <<END
There is no Kubernetes here to show \`vc\` on. Any one of these gives you one; then run \`make demo\` again:

  a cluster that you have    make demo HOST=CONTEXT, with \`kubectl\` installed (your current context is never taken
                             unasked). \`kubectl config get-contexts\` shows the names.
  kind                       a container engine that runs (Docker or Podman), with \`kind\` and \`kubectl\` installed:
                             https://kind.sigs.k8s.io
  k3d                        Docker that runs, with \`k3d\` and \`kubectl\` installed: https://k3d.io
  the project's own host     Linux and root, with Go and apt; nothing is installed over what you have:
                             sudo env "PATH=\$PATH" make demo
END
    exit 1
  fi
  chmod 600 "$work/host"
}

# The host itself, whichever context is current.
on_host() { kubectl --kubeconfig "$work/host" "$@"; }

# A name that is taken is somebody's on a host that was named, and an earlier demo's on our own.
refuse_or_remove_earlier() {
  on_host get namespace "$namespace" >/dev/null 2>&1 || return 0
  [ -z "${HOST:-}" ] || fail "the namespace \`$namespace\` is there already on \`$HOST\`; see \`vc list -n $namespace\`"
  say "An earlier demo was cut off; removing what it left"
  run vc delete "$name" --yes --ignore-missing
}

# Volumes, rights and anything else outside the namespace that carries its name.
leftovers() {
  on_host get namespace "$namespace" --ignore-not-found -o name
  on_host get persistentvolumes -o jsonpath='{range .items[*]}{.spec.claimRef.namespace} {.kind}/{.metadata.name}{"\n"}{end}' \
    | sed -n "s/^$namespace //p"
  on_host get clusterroles,clusterrolebindings -o name | grep -- "$namespace" || true
  kubectl config get-contexts -o name | grep "$namespace" || true
}

find_host

say "Building \`vc\` (the first time takes a few minutes)"
cargo build --release --locked
target=$(cargo metadata --format-version 1 --no-deps | sed 's/.*"target_directory":"\([^"]*\)".*/\1/')

# From here on as a user with a new machine: the host's context, `vc` and `kubectl` on the PATH, and no settings.
for variable in $(compgen -e VC_ || true); do unset "$variable"; done
cp -p "$work/host" "$work/kubeconfig"
export KUBECONFIG=$work/kubeconfig XDG_CONFIG_HOME=$work/config XDG_STATE_HOME=$work/state KUBECACHEDIR=$work/cache
export PATH=$target/release:$PATH
cd "$work"

run vc version
refuse_or_remove_earlier

created=yes
run vc create "$name"

cat >web.yaml <<END
apiVersion: apps/v1
kind: Deployment
metadata:
  name: web
spec:
  selector:
    matchLabels: {app: web}
  template:
    metadata:
      labels: {app: web}
    spec:
      containers:
      - name: web
        image: busybox:1.36
        imagePullPolicy: IfNotPresent
        command: [httpd, -f, -p, "8080"]
END
say "A Deployment, in a cluster that looks like one of your own:"
run kubectl apply -f web.yaml
run kubectl wait --for=condition=Available deployment/web --timeout=180s
run kubectl get namespaces
run kubectl get pods --output wide
say "The same pod, as the host runs it:"
run kubectl --kubeconfig "$work/host" get pods --namespace "$namespace"
run vc list
run vc delete "$name"
created=''

say "What is left of it:"
run vc list
run kubectl config get-contexts --output name
left=$(leftovers)
[ -z "$left" ] || fail "these are left:
$left"
say "Nothing: no namespace, no volume, no rights, no context. The demo is done."
