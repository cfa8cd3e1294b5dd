#!/usr/bin/env bash
# What a user sees when something on the way to a virtual cluster fails: `vc`'s context beside `kubectl port-forward`.
#
# It breaks its host, so it starts one of its own below VC_FAULTS_STATE and ends it. Needs Linux and root, like the host.
# Prints a table for docs/connection.md. Usage: tests/faults.sh VC [FAULT...]
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.."

vc=$(realpath "${1:?usage: tests/faults.sh VC [FAULT...]}")
shift
wanted=("$@")
export VC_HOST_STATE=${VC_FAULTS_STATE:-$PWD/target/faults-host}
built=$PWD/tests/host/.state
kubectl=$VC_HOST_STATE/bin/kubectl
work=$(mktemp -d)
name=faults
namespace=vcluster-$name
export HOME=$work XDG_STATE_HOME=$work/state XDG_RUNTIME_DIR=$work/run XDG_CONFIG_HOME=$work/config
export KUBECONFIG=$work/kubeconfig PATH=$work:$PATH
mkdir -m 700 "$XDG_RUNTIME_DIR"
forwarder='' probes=()

say() { echo "$1" >&2; }

# shellcheck source=tests/agent.sh
. tests/agent.sh

clean_up() {
  local code=$?
  trap - EXIT INT TERM
  touch "$work/stop"
  [ -z "$forwarder" ] || kill "$forwarder" 2>/dev/null || true
  wait || true
  "$vc" delete "$name" --yes --ignore-missing --timeout 30s >/dev/null 2>&1 || true
  end_agent
  tests/host/host down
  rm -rf "$work"
  exit "$code"
}
trap clean_up EXIT
trap 'exit 130' INT
trap 'exit 143' TERM

milliseconds() { date +%s%3N; }

# A host of our own, from what `make host-up` has built if it has.
begin() {
  mkdir -p "$VC_HOST_STATE"
  if [ -d "$built/bin" ] && [ ! -d "$VC_HOST_STATE/bin" ]; then
    cp -a "$built"/{bin,packages,images,built} "$VC_HOST_STATE"
  fi
  tests/host/host up
  cp "$VC_HOST_STATE/admin.kubeconfig" "$KUBECONFIG"
  host=$work/host
  cp "$KUBECONFIG" "$host"
  let_credentials_expire
  node=$(tests/host/host status | sed -n 's/^first process: //p')
  link=$(tests/host/host status | sed -n 's/^network: //p')
  "$vc" create "$name" >&2
  "$kubectl" --kubeconfig "$host" get secret -n "$namespace" "vc-$name" -o 'jsonpath={.data.config}' | base64 -d >"$work/theirs"
  forward
}

# `vc` reaches the host with credentials that are good for ten seconds, from a plugin.
let_credentials_expire() {
  local user
  user=$("$kubectl" config view -o 'jsonpath={.contexts[?(@.name=="vc-host")].context.user}')
  "$kubectl" create serviceaccount faults -n default >&2
  "$kubectl" create clusterrolebinding faults --clusterrole cluster-admin --serviceaccount default:faults >&2
  "$kubectl" create token faults -n default --duration 24h >"$work/token"
  cat >"$work/faults-plugin" <<END
#!/bin/sh
printf '{"apiVersion": "client.authentication.k8s.io/v1", "kind": "ExecCredential", "status": {"token": "%s", "expirationTimestamp": "%s"}}' \\
  "\$(cat '$work/token')" "\$(date -u -d '+10 seconds' +%Y-%m-%dT%H:%M:%SZ)"
END
  chmod +x "$work/faults-plugin"
  "$kubectl" config delete-user "$user" >&2
  "$kubectl" config set-credentials "$user" --exec-command faults-plugin \
    --exec-api-version client.authentication.k8s.io/v1 --exec-interactive-mode Never >&2
}

# Starts kubectl's forwarder again if it has ended, as a user would have to.
forward() {
  if [ -n "$forwarder" ] && kill -0 "$forwarder" 2>/dev/null; then return; fi
  "$kubectl" --kubeconfig "$host" port-forward -n "$namespace" "svc/$name" :443 >"$work/forwarder" 2>&1 &
  forwarder=$!
  local port=''
  for _ in $(seq 100); do
    port=$(sed -n 's/^Forwarding from 127.0.0.1:\([0-9]*\).*/\1/p' "$work/forwarder")
    [ -z "$port" ] || break
    sleep 0.1
  done
  sed -i "s|server: .*|server: https://127.0.0.1:$port|" "$work/theirs"
}

# Asks in a loop until told to stop, one line each: when it began, how long it took, whether it was answered.
probe() {
  local begin result
  while [ ! -e "$work/stop" ]; do
    begin=$(milliseconds)
    result=lost
    if timeout 30 "$kubectl" --kubeconfig "$1" get --raw /version >/dev/null 2>"$2.error"; then result=good; fi
    echo "$begin $(($(milliseconds) - begin)) $result" >>"$2"
    sleep 0.05
  done
}

# Usage: fault NAME SECONDS-AFTERWARDS BREAK; BREAK returns once things are mended.
fault() {
  local fault=$1 after=$2
  if [ ${#wanted[@]} -gt 0 ] && [[ " ${wanted[*]} " != *" $fault "* ]]; then return; fi
  say "$fault"
  forward
  rm -f "$work/stop" "$work/mended" "$work"/probe-*
  probe "$KUBECONFIG" "$work/probe-vc" &
  probes=($!)
  probe "$work/theirs" "$work/probe-kubectl" &
  probes+=($!)
  sleep 2
  "$3"
  [ -e "$work/mended" ] || milliseconds >"$work/mended"
  sleep "$after"
  touch "$work/stop"
  wait "${probes[@]}"
  row "$fault" vc
  row "$fault" kubectl
}

# Lost requests, the longest one answered, and the time from mended to the first answer that began or ended after it.
row() {
  awk -v mended="$(cat "$work/mended")" -v what="| $1 | \`$2\` |" '
    { count++ }
    $3 == "lost" { lost++ }
    $3 == "good" && $2 > longest { longest = $2 }
    $3 == "good" && $1 + $2 >= mended && first == "" { first = $1 + $2 - mended }
    END {
      recovered = first == "" ? "never" : sprintf("%.1f s", first / 1000)
      printf "%s %d of %d | %s | %.1f s |\n", what, lost, count, recovered, longest / 1000
    }' "$work/probe-$2"
}

break_nothing() { sleep 3; }

# They do so all the time.
break_credentials() { sleep 40; }

# Mended is the moment at which the new pod answers inside the host's network.
break_pod() {
  local pod old new address
  pod=$("$kubectl" --kubeconfig "$host" get pods -n "$namespace" -l "app=vcluster,release=$name" -o 'jsonpath={.items[0].metadata.name}')
  old=$("$kubectl" --kubeconfig "$host" get pod -n "$namespace" "$pod" -o 'jsonpath={.metadata.uid}')
  "$kubectl" --kubeconfig "$host" delete pod -n "$namespace" "$pod" --wait=false >&2
  while read -r new address; do
    [ "$new" != "$old" ] && [ -n "$address" ] && break
  done < <("$kubectl" --kubeconfig "$host" get pods -n "$namespace" -l "app=vcluster,release=$name" --watch \
    -o 'jsonpath={.metadata.uid} {.status.podIP}{"\n"}')
  until nsenter --target "$node" --net curl -skf --max-time 1 "https://$address:8443/version" >/dev/null; do sleep 0.05; done
  milliseconds >"$work/mended"
}

# To its clients the same as an API server that was killed: connections are reset, and the port refuses.
break_api_server() {
  tests/host/host enter iptables -I INPUT -i eth0 -p tcp --dport 6443 -j REJECT --reject-with tcp-reset
  sleep 10
  tests/host/host enter iptables -D INPUT -i eth0 -p tcp --dport 6443 -j REJECT --reject-with tcp-reset
}

break_link() {
  ip link set "$link" down
  sleep 60
  ip link set "$link" up
}

# A peer that is there and says nothing: what a dead router or a lost lease looks like.
break_silently() {
  tests/host/host enter iptables -I INPUT -i eth0 -j DROP
  tests/host/host enter iptables -I OUTPUT -o eth0 -j DROP
  sleep 60
  tests/host/host enter iptables -D INPUT -i eth0 -j DROP
  tests/host/host enter iptables -D OUTPUT -o eth0 -j DROP
}

# Inside the pod's own network, where a forwarded port is dialled.
break_port() {
  local container process
  container=$(tests/host/host enter ctr containers ls | awk '$2 ~ "/vcluster-" { print $1 }')
  process=$(tests/host/host enter ctr tasks ls | awk -v all="$container" '$3 == "RUNNING" && index(all, $1) { print $2; exit }')
  local tables=(tests/host/host enter nsenter --target "$process" --net iptables)
  "${tables[@]}" -I INPUT -p tcp --dport 8443 -j REJECT --reject-with tcp-reset
  sleep 5
  "${tables[@]}" -D INPUT -p tcp --dport 8443 -j REJECT --reject-with tcp-reset
}

begin
echo '| fault | over | requests lost | recovered after | longest wait for an answer |'
echo '|---|---|---|---|---|'
fault none 1 break_nothing
fault credentials-expire 1 break_credentials
fault pod-deleted 12 break_pod
fault port-refuses 8 break_port
fault api-server-gone 12 break_api_server
fault network-down 15 break_link
fault host-silent 20 break_silently
