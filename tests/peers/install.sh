#!/usr/bin/env bash
# The systems that the connectors' tests talk to for real, from Debian's packages. Quick when they are there already.
set -euo pipefail

packages=(postgresql-15 postgresql-15-pgaudit prometheus prometheus-alertmanager nginx-light)

missing=()
for package in "${packages[@]}"; do
  # The architecture-independent state: "install ok installed" and nothing half-way.
  dpkg-query -W -f '${Status}' "$package" 2>/dev/null | grep -q '^install ok installed$' || missing+=("$package")
done
if [ "${#missing[@]}" -eq 0 ]; then
  exit 0
fi
if ! command -v apt-get >/dev/null; then
  echo "tests/peers/install.sh: no apt-get here; install by hand: ${missing[*]}" >&2
  exit 1
fi
if [ "$(id -u)" -ne 0 ]; then
  echo "tests/peers/install.sh: needs root for: apt-get install ${missing[*]}; run it with sudo" >&2
  exit 1
fi

# Packages start their services when they are installed; the tests start their own, on ports of their own.
policy=/usr/sbin/policy-rc.d
if [ ! -e "$policy" ]; then
  printf '#!/bin/sh\nexit 101\n' >"$policy"
  chmod 755 "$policy"
  trap 'rm -f "$policy"' EXIT
fi
export DEBIAN_FRONTEND=noninteractive
apt-get update -qq
apt-get install -y -qq --no-install-recommends "${missing[@]}" >/dev/null
