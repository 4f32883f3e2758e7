#!/bin/sh
# The step program of the agent's contract for Linux; tests/contract/agent_contract.h says what each word does.
word=$1
[ $# -eq 0 ] || shift
case $word in
  say) echo 'to out'; echo 'to err' >&2; exit "$1" ;;
  early) printf early; sleep 1; printf late ;;
  arguments) printf '%s|' "$@" ;;
  variable) printenv "$1" | tr -d '\n' ;;
  folder) pwd | tr -d '\n' ;;
  flood) seq -f %015.0f 1 "$1" & seq -f %015.0f 1 "$1" >&2; wait ;;
  copy) exec cat ;;
  die) kill -KILL $$ ;;
  touch)
    trap '' HUP TERM INT
    while :; do
      echo alive >>"$1"
      sleep 0.05
    done
    ;;
  leave | stay)
    (setsid "$0" touch "$1" &) &
    while ! test -s "$1"; do sleep 0.02; done
    [ "$word" = leave ] || sleep 60
    exit 3
    ;;
esac
