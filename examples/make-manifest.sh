#!/bin/sh
# Writes the PULP_MANIFEST of a folder: path, sha256 and size of every file in it.
#   examples/make-manifest.sh examples/sample
set -eu
cd "${1:?usage: make-manifest.sh FOLDER}"
find . -type f ! -name PULP_MANIFEST | LC_ALL=C sort | while IFS= read -r path; do
  printf '%s,%s,%s\n' "${path#./}" "$(sha256sum <"$path" | cut -d ' ' -f 1)" "$(wc -c <"$path" | tr -d ' ')"
done >PULP_MANIFEST
