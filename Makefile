# Shelfwire's everyday commands; `make` alone lists them. Variables go behind the verb: make up REPLICAS=3 RATE=50
# One that is not given keeps what the running stack has, or takes the default:
#   REPLICAS=2 (1 to 6)   RATE=10 (changes a second; 0.5, 1/min, max)   PRODUCTS=1000   BROKERS=1 (or 3)
#   PORT=8080   STATS_PORT=8404   GATEWAY_PORT=8081   KAFKA_PORT=29092   PG_PORT=29432   REDIS_PORT=29379
#   STACK=native (on Linux; elsewhere docker)   PROFILE=release (or dev)   RUN=.run (state)   YES=1 (install by sudo)

STACK ?= $(if $(filter Linux,$(shell uname -s)),native,docker)
stack := deploy/$(if $(filter docker,$(STACK)),compose,native)/stack.sh

OF_STACK := REPLICAS RATE PRODUCTS BROKERS PORT STATS_PORT GATEWAY_PORT KAFKA_PORT PG_PORT REDIS_PORT PROFILE RUN YES
export $(OF_STACK)

# A misspelt variable must not pass for one that was left out.
KNOWN := $(OF_STACK) STACK N NAME ID PRICE STOCK FILE SPEED SQL CMD TOPIC ARGS MINUTES SEED ROWS REPORT LIST SOAK_S
given := $(foreach v,$(.VARIABLES),$(if $(findstring command line,$(origin $(v))),$(v)))
unknown := $(filter-out $(KNOWN) SHELL MAKEFLAGS CARGO%,$(given))
$(if $(unknown),$(error make knows no variable $(unknown); it knows $(KNOWN)))

.DEFAULT_GOAL := help
.PHONY: help up down clean status logs scale kill-replica demo-rebalance change replay psql redis topic doctor \
        test ci fmt tidy lint doc model drill drill-short drill-steps drill-selftest FORCE \
        bench-ingest bench-ratings bench-photos bench-dashboard

help: ## list the commands
	@sed -n 's/^# \{0,1\}//p; /^$$/q' $(MAKEFILE_LIST)
	@awk -F':.*## ' '/^[a-z-]+:.*## / { printf "  make %-14s %s\n", $$1, $$2 }' $(MAKEFILE_LIST)

up: ## install what is missing, build, start everything; again: move to other variables, or change nothing
	@$(stack) up -d

down: ## stop everything of ours; the data is kept
	@$(stack) down

clean: ## stop everything and delete the data
	@$(stack) clean

status: ## what runs, and which replica holds which partitions
	@$(stack) status

logs: ## follow the logs: of replica N=2, of NAME=kafka1, or all of ours
	@$(stack) logs $(if $(N),gw$(N),$(NAME))

scale: ## have REPLICAS=n gateways, leaving the others alone
	@$(if $(REPLICAS),,$(error say how many: make scale REPLICAS=3))$(stack) scale gateway $(REPLICAS)

kill-replica: ## SIGKILL replica N=2; it stays down until `make up` or `make scale`
	@$(if $(N),,$(error say which: make kill-replica N=2))$(stack) kill gw$(N)

demo-rebalance: ## replicas come, die, come back and drain while viewers watch: nothing is missed
	@node --experimental-websocket --no-warnings deploy/drills/rebalance/main.mjs $(stack)

change: ## change one product by hand: ID=… PRICE=499 (minor units) STOCK=3
	@$(if $(ID),,$(error say which: make change ID=… PRICE=499 STOCK=3))$(stack) change --product=$(ID) \
		$(if $(PRICE),--price=$(PRICE)) $(if $(STOCK),--stock=$(STOCK))

replay: ## produce recorded changes: FILE=generator/samples/changes.csv, SPEED=max (or 1, 60 …; as recorded without)
	@$(if $(FILE),,$(error say which: make replay FILE=generator/samples/changes.csv))$(stack) replay $(FILE) \
		$(if $(SPEED),--speed $(SPEED))

psql: ## a prompt on the database, or one statement: SQL="select count(*) from products"
	@$(stack) psql $(if $(SQL),-c "$(SQL)")

redis: ## a prompt on Redis, or one command: CMD="info memory"
	@$(stack) redis $(CMD)

topic: ## describe and follow a Kafka topic: TOPIC=product-changes, ARGS=--from-beginning
	@$(stack) topic $(or $(TOPIC),product-changes) $(ARGS)

doctor: ## what is missing or in the way, and its cure
	@$(stack) doctor

test: ## all tests, on private servers of their own
	@deploy/native/test.sh

ci: fmt lint doc test model drill-short ## what must pass before a change is taken

fmt: # formatted?
	cargo fmt --all --check

tidy: # does everybody import only what they may? (part of the tests)
	cargo test --quiet --locked -p drills --test tidy

lint: # warnings are errors
	deploy/native/install.sh
	cargo clippy --locked --workspace --all-targets -- -D warnings

doc: # the documentation builds
	RUSTDOCFLAGS="-D warnings" cargo doc --locked --workspace --no-deps --quiet

# It uses nothing but the standard library: so it can be optimised by itself, in seconds.
model: ## search the relay's protocol for an interleaving that loses something: some minutes
	mkdir -p target && rustc --edition 2024 -O --test gateway/tests/epoch_model.rs -o target/epoch-model
	target/epoch-model --ignored --nocapture

# A gateway that can be told where to die and which promise to break, beside the usual programs: those are built last.
define armed
	cargo build --locked $(2) --features gateway/drill
	mkdir -p target/drill && cp -f target/$(1)/gateway target/drill
	cargo build --locked $(2)
endef

# With a test among them, the libraries under them are those of the tests and not built once more.
target/drill/gateway: FORCE
	@FOR_TESTS=1 QUIET=1 deploy/native/install.sh
	$(call armed,debug,--workspace --bin gateway --bin generator --bin drill --test tidy)

drill: ## break things under load, judge: ROWS=redis-flush,gateway-kill (all once) MINUTES=30 SEED=7 RATE=200 REPORT=folder; LIST=1
	@QUIET=1 deploy/native/install.sh
	$(call armed,release,--release -p gateway -p generator -p drills)
	target/release/drill --armed target/drill $(if $(MINUTES),--minutes $(MINUTES)) $(if $(SEED),--seed $(SEED)) \
		$(if $(ROWS),--rows $(ROWS)) $(if $(RATE),--rate $(RATE)) $(if $(REPORT),--report $(REPORT)) $(if $(LIST),--list)

# Few rows that stand for the others, always in the same order, on the programs that the tests are built with. Where they
# run the machine may be slow: what must happen is judged as ever, how soon is not.
drill-short: ## seven rows of it, once each, in less than three minutes
	@FOR_TESTS=1 QUIET=1 deploy/native/install.sh
	cargo test --locked --workspace --no-run
	target/debug/drill --seed 1 --rate 100 --slack 6 --rows \
		gateway-kill,gateway-zombie,generator-kill,postgres-kill,redis-flush,poison-one-in-ten,net-redis-one-way

drill-steps: target/drill/gateway ## its rows in which a replica dies between two steps, once each: MINUTES=9 SEED=7 REPORT=folder
	target/debug/drill --armed target/drill --steps $(if $(MINUTES),--minutes $(MINUTES)) --rate 100 \
		$(if $(SEED),--seed $(SEED)) $(if $(REPORT),--report $(REPORT))

drill-selftest: target/drill/gateway ## plant eight bugs, one after the other: the judge must catch each, and cry for no other reason
	target/debug/drill --armed target/drill --selftest --rate 100 --seed $(or $(SEED),1)

bench-ingest: ## rows a second from Kafka to PostgreSQL, beside its ceiling and the naive way
	@QUIET=1 deploy/native/install.sh
	cargo bench --locked -p gateway --bench ingest

bench-ratings: ## ratings a second, each durable before its answer, beside requests that do nothing
	@QUIET=1 deploy/native/install.sh
	cargo bench --locked -p gateway --bench ratings

bench-photos: ## photos a second from Redis and from memory, beside a handler that only gets them from Redis
	@QUIET=1 deploy/native/install.sh
	cargo bench --locked -p gateway --bench photos

bench-dashboard: ## the dashboard at 1,000 changes a second for SOAK_S=3600 s: frames a second beside an empty page, long tasks, memory
	@FOR_TESTS=1 QUIET=1 deploy/native/install.sh
	cargo build --locked --release -p gateway -p generator
	cd web-clients && { [ node_modules/.package-lock.json -nt package-lock.json ] || npm ci --no-audit --no-fund; }
	SHELFWIRE_TEST_PROFILE=release SOAK_S=$(or $(SOAK_S),3600) deploy/native/stack.sh test-env -- sh -c \
		'cd web-clients && node --experimental-websocket --test test/e2e/dashboard-load.test.js'
