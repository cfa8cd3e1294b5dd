#!/usr/bin/env bash
# Sourced by the scripts that use the built program in a folder of their own, `$work`.

# Ends the process in the background, which would wait for hours.
end_agent() {
  local agent
  agent=$(sed -n 's/.*"pid": *\([0-9]*\).*/\1/p' "${work:?}/state/vc/tunnels/agent.lock" 2>/dev/null) || return 0
  if [ -n "$agent" ] && ps -o args= -p "$agent" | grep -q ' agent --idle '; then kill "$agent"; fi
}
