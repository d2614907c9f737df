#!/bin/sh
# metrics.sh - /metrics as promtool and the rules beside it want it, and true; /health and /ready without a key.
. "$(dirname "$0")/lib.sh"
provider --records 200

host 'first_spread = 0s' 'retry_base = 10ms'
ini <<INI
[key watch]
value = 0d6dd2a4-7a4f-4a39-a7f7-3a4f6c0b3d21
[integration stripe]
base_url = $at/stripe
[connection acme : stripe]
token = sk_test_1
[connection bad : stripe]
token = sk_expired
INI
control faults '{"match":"GET /stripe/v1/customers","nth":[1],"do":"500"}' >/dev/null
"$build/sluice" --conf "$conf" --log-format text serve >"$dir/serve.out" 2>"$dir/serve.err" </dev/null &
pids="$pids $!"
until_true 20 grep -q 'listens on http' "$dir/serve.err"
url=$(sed -n 's|.*listens on \(http://[^ ]*\).*|\1|p' "$dir/serve.err" | head -1)
get() { curl -s -m 20 -o "$dir/out" -w '%{http_code}' -H 'Authorization: Bearer 0d6dd2a4-7a4f-4a39-a7f7-3a4f6c0b3d21' "$url$1"; }
metric() { # metric PATTERN: the value of the first series that it meets
	grep -E "^$1" "$dir/out" | head -1 | sed 's/.* //'
}

is "$(curl -s -m 20 -o "$dir/out" -w '%{http_code}' "$url/health")" 200 "/health needs no key"
has "$dir/out" '"status":"ok"' "and says that the process lives"
is "$(curl -s -m 20 -o "$dir/out" -w '%{http_code}' "$url/ready")" 200 "/ready needs no key"
has "$dir/out" '"ready":true' "and says that the host can work"
is "$(curl -s -m 20 -o "$dir/out" -w '%{http_code}' "$url/metrics")" 401 "/metrics needs one"

run status
has "$dir/out" "^Listens on $url\$" "status says where the host listens"
run status --host --format jsonl
has "$dir/out" "^\{\"serving\":true,\"listens\":\[\"$url\"\],\"webhooks\":\[\],\"events\":\[\],\"file_bytes\":[1-9]" "and in JSON, with what waits"

ran() { get /metrics && grep -q '^sluice_runs_total{integration="stripe",sync="customers",status="success"} [1-9]' "$dir/out" &&
	grep -q '^sluice_runs_total{.*status="error"} [1-9]' "$dir/out"; }
until_true 60 ran
ok $? "runs are counted by how they ended"
is "$(metric 'sluice_records_total.connection="acme".*StripeCustomer",change="added"')" 200 "records by what became of them"
[ "$(metric 'sluice_requests_total.integration="stripe",code="500"')" = 1 ]; ok $? "a request that was answered 500 and repeated is counted"
[ "$(metric 'sluice_requests_total.integration="stripe",code="401"')" -ge 1 ]; ok $? "and one that was refused"
[ "$(metric 'sluice_request_seconds_count')" -ge 3 ]; ok $? "and the time that each took"
is "$(metric 'sluice_stored_records.connection="acme".*StripeCustomer"')" 200 "what is stored is told"
now=$(date +%s)
success=$(metric 'sluice_last_success_timestamp_seconds.connection="acme",integration="stripe",sync="customers"')
[ "${success%.*}" -ge $((now - 120)) ] && [ "${success%.*}" -le "$now" ]; ok $? "the last success is told by its time"
hasnt "$dir/out" 'sluice_last_success_timestamp_seconds.connection="bad"' "who never had one has none"
is "$(metric 'sluice_events_waiting.connection="acme"') $(metric 'sluice_events_dead.connection="acme"')" "0 0" "and that of no event of a provider"
[ "$(metric 'sluice_commit_seconds_count')" -ge 1 ]; ok $? "the store's transactions are timed"
[ "$(metric 'sluice_worker_exits_total.reason="done"')" -ge 1 ]; ok $? "workers are counted by how they ended"
[ "$(metric 'sluice_http_requests_total.route="health",code="200"')" -ge 1 ]; ok $? "the API's own requests are counted"
hasnt "$dir/out" 'run="' "no label holds a run"
cp "$dir/out" "$dir/metrics"

promtool check metrics <"$dir/metrics" >"$dir/out" 2>"$dir/err"
is "$?$(cat "$dir/out" "$dir/err")" 0 "promtool has nothing to say of the metrics"
promtool check rules conf/monitoring/alerts.yml >"$dir/out" 2>"$dir/err"
ok $? "and accepts the alert rules"
sed -n '/^# prometheus$/,/^```$/p' conf/GUIDE.md | sed '$d' >"$dir/prometheus.yml"
promtool check config --syntax-only "$dir/prometheus.yml" >"$dir/out" 2>"$dir/err"
is "$? $(grep -c job_name "$dir/prometheus.yml")" "0 1" "and what the guide would have Prometheus be told"
# What rules and dashboard ask for is there, or comes with what this test does not have.
sed -n 's/^# TYPE \([^ ]*\) .*/\1/p' "$dir/metrics" >"$dir/names"
printf '%s\n' up sluice_quota_remaining sluice_alerts sluice_webhook_pending sluice_webhook_failures sluice_webhook_parked sluice_webhook_deliveries_total sluice_held_deletes sluice_dead_letters >>"$dir/names"
cat conf/monitoring/* | grep -oE '(sluice|process)_[a-z_]+' | sed -E 's/_(bucket|sum|count)$//' | sort -u | grep -vxF -f "$dir/names" >"$dir/out"
is "$(cat "$dir/out")" "" "each metric that rules and dashboard name exists"
