# shellcheck shell=bash
# Shared by the scripts here; source it.

# Seconds as "45 s" or "3 min 05 s".
duration() {
  if (($1 < 60)); then printf '%d s' "$1"; else printf '%d min %02d s' $(($1 / 60)) $(($1 % 60)); fi
}

# step "What happens now": prints it, and how long the step before it took.
step_started=
step() {
  if [[ -n $step_started ]]; then echo "    ($(duration $((SECONDS - step_started))))"; fi
  step_started=$SECONDS
  echo "==> $*"
}

# Compilers to run at once: one per core, but a file that includes LibTorch needs up to 2 GiB.
build_jobs() {
  local cores gigabytes
  cores=$(nproc)
  gigabytes=$(awk '/^MemAvailable:/ { print int($2 / 1048576) }' /proc/meminfo)
  local jobs=$((gigabytes / 2))
  ((jobs < cores)) || jobs=$cores
  echo $((jobs > 0 ? jobs : 1))
}
