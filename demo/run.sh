#!/usr/bin/env bash
# Starts the auth stack and Tocsin in three regions, breaks something, and shows who is told. Ends with Ctrl-C.
#
#   DEMO_EXIT=1 (or --once)  end after the recovery, on ports that happen to be free; exit code 1 if anything
#                            expected was not seen in time
#   SLACK_TOKEN, TWILIO_*    send real messages; see demo/tocsin.toml, also for SLACK_P1_CHANNEL and DEVOPS_PHONE
#   DEMO_BIN                 where the two programs are [target/debug]
set -euo pipefail
cd "$(dirname "$0")/.."

once=${DEMO_EXIT:-}
[ "${1:-}" = --once ] && once=1
bin=${DEMO_BIN:-target/debug}
patience_s=${DEMO_PATIENCE:-60}
if [ -n "$once" ]; then
  auth_port=0 admin_port=0
  export DEMO_PAGE_PORT=0
else
  auth_port=${DEMO_AUTH_PORT:-9443} admin_port=${DEMO_ADMIN_PORT:-9444}
  export DEMO_PAGE_PORT=${DEMO_PAGE_PORT:-9480}
fi

# A loopback address that nobody else has, so that the usual port of statsd is free on it.
export DEMO_STATSD=${DEMO_STATSD:-127.$((RANDOM % 250 + 1)).$((RANDOM % 250 + 1)).$((RANDOM % 250 + 1)):8125}

if [ -t 1 ] && [ -z "${NO_COLOR:-}" ]; then bold=$'\e[1m' blue=$'\e[1;34m' plain=$'\e[0m'; else bold='' blue='' plain=''; fi
say() { printf '\n%s==> %s%s\n' "$blue" "$*" "$plain"; }
fail() { printf '\n%sdemo: %s%s\n' "$bold" "$*" "$plain" >&2; exit 1; }

for tool in curl jq setsid; do
  command -v "$tool" >/dev/null || fail "$tool is not installed; run tools/prerequisites.sh"
done
for program in auth-stack tocsin; do
  [ -x "$bin/$program" ] || fail "$bin/$program is not built; run make demo"
done

if [ -n "${TWILIO_AUTH_TOKEN:-}" ] && [ -z "${DEVOPS_PHONE:-}" ]; then
  fail "TWILIO_AUTH_TOKEN is set, so SMS are real: set DEVOPS_PHONE to your own number, such as +4915112345678"
fi

work=$(mktemp -d "${TMPDIR:-/tmp}/tocsin-demo.XXXXXX")
auth_pid='' tocsin_pid=''
# Tocsin goes first: while it drains, the target must still be there, or the last results would be failures.
finish() {
  trap - EXIT INT TERM
  for pid in $tocsin_pid $auth_pid; do
    kill -TERM "$pid" 2>/dev/null || true
    wait "$pid" 2>/dev/null || true
  done
  rm -rf "$work"
}
trap finish EXIT
trap 'exit 130' INT
trap 'exit 143' TERM

# In sessions of their own, so that Ctrl-C reaches this script alone, which then ends them in order; and they end with
# it, should it be killed.
start() { exec setsid setpriv --pdeathsig TERM -- "$@"; }

# wait_for WHAT COMMAND...: until the command succeeds, while both programs live.
wait_for() {
  local what=$1 deadline=$((SECONDS + patience_s))
  shift
  until "$@" 2>/dev/null; do
    [ -z "$auth_pid" ] || kill -0 "$auth_pid" 2>/dev/null || { cat "$work/auth-stack.log" >&2; fail "the auth stack has ended"; }
    [ -z "$tocsin_pid" ] || kill -0 "$tocsin_pid" 2>/dev/null || fail "Tocsin has ended"
    [ "$SECONDS" -lt "$deadline" ] || { status . >&2 || true; fail "not seen within $patience_s s: $what"; }
    sleep 0.1
  done
}
status() { curl -sf --max-time 5 "$status_url/api/v1/status" | jq -e "$@"; }
holds() { status "$@" >/dev/null; }

say "Starting the auth stack: one issuer, three nodes, and people who log in 20 times a second"
start "$bin/auth-stack" serve \
  --node eu-west-1=127.0.0.1 --node us-east-1=127.0.0.2 --node ap-southeast-2=127.0.0.3 \
  --port "$auth_port" --admin "127.0.0.1:$admin_port" --data "$work/auth" \
  --access-log "$work/access.log" --statsd "$DEMO_STATSD" --traffic 20 --ready-file "$work/auth.json" >"$work/auth-stack.log" 2>&1 &
auth_pid=$!
wait_for "the auth stack is ready" test -s "$work/auth.json"
from_auth() { jq -er "$1" "$work/auth.json"; }
issuer=$(from_auth .issuer)
admin=$(from_auth .admin)
export AUTH_STACK_ADMIN=$admin
# The commands that are shown can be copied as they stand.
elsewhere=''
[ "$admin" = http://127.0.0.1:9444 ] || elsewhere="AUTH_STACK_ADMIN=$admin "
echo "    $issuer   (faults: $admin)"

export DEMO_DATA=$work/tocsin DEMO_AUTH_URL=${issuer%/}
DEMO_CA=$(from_auth .ca)
DEMO_LOGIN_PASSWORD=$(from_auth .user.password)
DEMO_NATIVE_SECRET=$(from_auth '.clients["tocsin-native"].client_secret')
DEMO_M2M_SECRET=$(from_auth '.clients["tocsin-m2m"].client_secret')
export DEMO_CA DEMO_LOGIN_PASSWORD DEMO_NATIVE_SECRET DEMO_M2M_SECRET

# Printed messages need no second line that says so.
[ -n "${SLACK_TOKEN:-}${TWILIO_AUTH_TOKEN:-}" ] || export TOCSIN_LOG=${TOCSIN_LOG:-info,alerting::outbox=warn}

say "Starting Tocsin: every check of checks/scripts in three regions"
start "$bin/tocsin" up --config demo/tocsin.toml --ready-file "$work/tocsin.json" &
tocsin_pid=$!
wait_for "Tocsin is ready" test -s "$work/tocsin.json"
status_url=$(jq -er .status_url "$work/tocsin.json")
wait_for "every check passes in every region" \
  holds '[.status.checks[].cells[]] | length > 0 and all(.recent[0].verdict == "passed")'
say "$(status -r '"\(.status.checks | length) checks pass in \(.status.regions | length) regions"'). Status page: $status_url/"

# A moment of health, so that the page shows some history.
wait_for "some history" holds '[.status.checks[].cells[]] | all((.recent | length) >= 2)'

fault=(error --status 503 --component userinfo --node us-east-1)
say "Breaking something: auth-stack fault set ${fault[*]}"
"$bin/auth-stack" fault set "${fault[@]}"
say "And logins fall: auth-stack fault set logins-fall"
"$bin/auth-stack" fault set logins-fall

# What somebody was told, by the beginning of the recipient's name, and that it went out.
told() { holds --arg who "$1" --arg what "$2" \
  '[.status.notifications[] | select((.recipient | startswith($who)) and (.text | test($what)) and (.delivery == "printed" or .delivery == "delivered"))] | length > 0'; }
# The same of an incident whose reason says so. The derivative may be over before it is looked at.
told_of() { holds --arg who "$1" --arg what "$2" \
  '[.status.incidents_open[], .status.incidents_closed[] | select(.reason | test($what)) | .number] as $incidents
   | [.status.notifications[] | select((.recipient | startswith($who)) and ([.incident] | inside($incidents)) and (.delivery == "printed" or .delivery == "delivered"))] | length > 0'; }
p1=${SLACK_P1_CHANNEL:-#p1} p2=${SLACK_P2_CHANNEL:-#p2}

wait_for "the first failure is posted to $p2" told "Slack $p2" '^P2'
say "One failure: posted to $p2"
wait_for "an incident has reached P1" holds '[.status.incidents_open[] | select(.severity == "p1")] | length > 0'
wait_for "the second failure is posted to $p1" told "Slack $p1" '^P1'
wait_for "devops gets an SMS" told "SMS" '^P1'
say "Two failures in a row: posted to $p1, and an SMS to every member of devops"
wait_for "the fall of logins is posted to $p2" told_of "Slack $p2" 'logins fall by'
say "LoginsFalling, derivative(logins) is below its bound: posted to $p2"

say "Mending it: auth-stack fault clear"
"$bin/auth-stack" fault clear
wait_for "every incident has recovered" \
  holds '(.status.incidents_open | length) == 0 and (.status.incidents_closed | length) > 0 and all(.status.incidents_closed[]; .status == "recovered")'
for who in "Slack $p2" "Slack $p1" "SMS"; do
  wait_for "$who is told of the recovery" told "$who" 'recovered'
done
say "Recovered: everybody who was told has been told"

if [ -n "$once" ]; then
  kill -TERM "$tocsin_pid"
  code=0
  wait "$tocsin_pid" || code=$?
  tocsin_pid=''
  [ "$code" -eq 0 ] || fail "Tocsin ended with exit code $code"
  say "Seen: health, P2, P1 with SMS, a fall of logins, recovery, an orderly end"
  exit 0
fi

# From here on Ctrl-C is the orderly end.
trap 'exit 0' INT
cat <<END

${bold}It goes on. Look at it:${plain}
    status page    $status_url/
    metrics        $status_url/metrics   (statsd: $DEMO_STATSD; Grafana: a Prometheus data source at $status_url)
    auth stack     ${issuer}docs   (its certificate is signed by $DEMO_CA)
${bold}Break things:${plain}
    $elsewhere$bin/auth-stack fault set slow --ms 12000 --node us-east-1
    $elsewhere$bin/auth-stack fault set wrong-issuer
    $elsewhere$bin/auth-stack fault set outage --node ap-southeast-2
    $elsewhere$bin/auth-stack fault set logins-fall
    $elsewhere$bin/auth-stack fault list --all
    $elsewhere$bin/auth-stack fault clear
${bold}Ask:${plain}
    $bin/tocsin incidents --all --data $DEMO_DATA
Ctrl-C ends everything.

END
wait "$tocsin_pid"
