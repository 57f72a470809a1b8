#!/bin/sh
# Prints the folder for Cargo's tools, outside of the clone so that the next one has them.
echo "${XDG_CACHE_HOME:-$HOME/.cache}/pith/tools"
