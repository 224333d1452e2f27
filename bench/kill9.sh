#!/usr/bin/env bash
# Does a killed run end with the same numbers? Runs make twice in DATA/EXP of its own: once undisturbed, once killed with
# SIGKILL in the middle of every long stage, and compares the two tables, times aside.
#   bench/kill9.sh [make settings]          e.g. bench/kill9.sh CORPUS=yesno DOWNLOADS=folder
# REFERENCE=exp/prompts/compare.tsv skips the undisturbed run and takes that table instead.
set -euo pipefail
cd "$(dirname "$0")/.."
reference=${REFERENCE:-exp/kill9-reference/compare.tsv}
[ -n "${REFERENCE:-}" ] || make "$@" DATA=data/kill9-reference EXP=exp/kill9-reference >/dev/null
run=(make "$@" DATA=data/kill9 EXP=exp/kill9)
rm -rf data/kill9 exp/kill9

for stage in make_mfcc train_gmm train_frames train_neural decode report; do
  setsid "${run[@]}" >exp-kill9.log 2>&1 &
  group=$!
  until pgrep -g "$group" -f "stages.$stage" >/dev/null; do
    kill -0 "$group" 2>/dev/null || { echo "$stage never ran"; tail -3 exp-kill9.log; exit 1; }
    sleep 0.2
  done
  case $stage in train_*) sleep 20 ;; *) sleep 1 ;; esac
  kill -9 -- "-$group"
  wait "$group" 2>/dev/null || true
  echo "killed in $stage"
done
rm -f exp-kill9.log
"${run[@]}" >/dev/null
without_times() { cut -f1-10,13 "$1"; }
diff <(without_times "$reference") <(without_times exp/kill9/compare.tsv) && echo "same numbers"
