#!/bin/sh
# The stack in containers: the verbs of deploy/native/stack.sh, by Docker compose.
# shellcheck disable=SC2016  # backticks in messages are for people
set -eu
cd "$(dirname "$0")/../.."
run=${RUN:-.run}
settings=$run/compose.env
names='REPLICAS RATE PRODUCTS PORT STATS_PORT GATEWAY_PORT KAFKA_PORT PG_PORT REDIS_PORT'
defaults='REPLICAS=2 RATE=10 PRODUCTS=1000 PORT=8080 STATS_PORT=8404 GATEWAY_PORT=8081 KAFKA_PORT=29092 PG_PORT=29432 REDIS_PORT=29379'

say() { printf '%s\n' "$*"; }
fail() { printf 'stack: %s\n' "$*" >&2; exit 1; }
compose() { docker compose --file deploy/compose/compose.yaml "$@"; }

# A variable that is given counts; then what the running stack has; then the default.
for name in $names; do
    eval "value=\${$name:-}"
    [ -n "$value" ] || [ ! -f "$settings" ] || value=$(sed -n "s/^$name=//p" "$settings")
    [ -n "$value" ] || for pair in $defaults; do [ "${pair%%=*}" != "$name" ] || value=${pair#*=}; done
    export "$name=$value"
done
export GATEWAY_PORT_LAST=$((GATEWAY_PORT + 5))
keep() { mkdir -p "$run"; for name in $names; do eval "printf '%s=%s\n' $name \"\$$name\""; done >"$settings"; }
token() {
    mkdir -p "$run"
    [ -s "$run/admin-token" ] || (umask 077; od -An -N24 -tx1 /dev/urandom | tr -d ' \n' >"$run/admin-token")
    SHELFWIRE_ADMIN_TOKEN=$(cat "$run/admin-token"); export SHELFWIRE_ADMIN_TOKEN
}
replicas_in_range() { case $REPLICAS in [1-6]) ;; *) fail "REPLICAS is a number from 1 to 6; not \"$REPLICAS\"" ;; esac; }
doctor() {
    command -v docker >/dev/null || fail 'docker is missing: https://docs.docker.com/get-docker'
    docker compose version >/dev/null 2>&1 || fail "docker's compose plugin is missing: https://docs.docker.com/compose/install"
    docker info >/dev/null 2>&1 || fail 'the docker engine does not answer: start it, or join its group'
}
status() {
    compose ps --all
    # One line a replica out of the JSON, so that nothing needs to be installed for it.
    curl -fsS "http://localhost:$PORT/replicas" | tr '{' '\n' |
        sed -n 's/.*"replica":"\([^"]*\)".*"partitions":\[\([^]]*\)\].*/  \1  partitions \2/p' || say 'no replica answers'
}
start() {
    keep
    compose up --detach --remove-orphans --wait --scale gateway="$REPLICAS" "$@"
}

verb=${1:-}; [ $# -eq 0 ] || shift
# Compose reads the whole file for each verb, its secret included.
[ "$verb" = doctor ] || token
case $verb in
up)
    doctor; replicas_in_range
    say 'building the images and starting the containers (the first time takes minutes)'
    start --build
    say "
Shelfwire is up: $REPLICAS replicas, $PRODUCTS products, rate $RATE
  http://localhost:$PORT   everything, by the load balancer; replicas from $GATEWAY_PORT on, its own page on $STATS_PORT
Try: node web-clients/echo.js http://localhost:$PORT, make status, make kill-replica N=2, make scale REPLICAS=3, make down" ;;
down) compose down --remove-orphans; rm -f "$settings"; say 'stopped; the data is kept (`make clean` deletes it)' ;;
clean) compose down --remove-orphans --volumes; rm -f "$settings" "$run/admin-token" ;;
status) status ;;
doctor) doctor; say '  ok     docker and its compose plugin' ;;
scale) REPLICAS=$2; replicas_in_range; start --no-recreate; status ;;
kill) # Not started again: Docker leaves alone what it was told to kill.
    docker kill "shelfwire-gateway-${1#gw}" >/dev/null
    say "replica ${1#gw} is down and stays so until \`make up\` or \`make scale\`" ;;
logs)
    case ${1:-} in
    gw*) exec docker logs --follow --tail 20 "shelfwire-gateway-${1#gw}" ;;
    *) compose logs --follow --tail 20 "$@" ;;
    esac ;;
psql) compose exec postgres psql -U shelfwire -d shelfwire "$@" ;;
redis) compose exec redis redis-cli "$@" ;;
topic)
    topic=${1:-product-changes}; [ $# -eq 0 ] || shift
    compose exec kafka /opt/kafka/bin/kafka-topics.sh --bootstrap-server localhost:9092 --describe --topic "$topic"
    compose exec kafka /opt/kafka/bin/kafka-console-consumer.sh --bootstrap-server localhost:9092 --topic "$topic" \
        --formatter-property print.key=true --formatter-property print.partition=true "$@" ;;
change) compose run --rm --no-deps generator change "$@" ;;
replay) file=$1; shift; compose run --rm --no-deps -T generator --replay - "$@" <"$file" ;;
*) fail "no such verb here: $verb" ;;
esac
