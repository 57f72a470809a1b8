#!/bin/sh
# Counts down from the number given, or from ten.
number=${1:-10}
while [ "$number" -gt 0 ]; do
  echo "$number"
  number=$((number - 1))
done
echo "lift-off"
