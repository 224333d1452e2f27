#!/usr/bin/env bash
# New random damage for every reader: the tests of tests/fuzz, again and again with other seeds.
#   bench/fuzz.sh [minutes, 10 if not given]     FUZZ_EXAMPLES=1000 is how many files each reader gets in a round
# Stops at a failure and says how to repeat it; else says how much it has tried.
set -euo pipefail
cd "$(dirname "$0")/.."
export FUZZ_EXAMPLES=${FUZZ_EXAMPLES:-500}
end=$((SECONDS + 60 * ${1:-10})) rounds=0
while [ "$SECONDS" -lt "$end" ]; do
  seed=$RANDOM$RANDOM
  .venv/bin/python -m pytest -q tests/fuzz --hypothesis-seed="$seed" --tb=short \
    || { echo "found with: FUZZ_EXAMPLES=$FUZZ_EXAMPLES .venv/bin/python -m pytest tests/fuzz --hypothesis-seed=$seed"; exit 1; }
  rounds=$((rounds + 1))
done
echo "nothing found: $rounds rounds of $FUZZ_EXAMPLES files for each reader in $SECONDS s"
