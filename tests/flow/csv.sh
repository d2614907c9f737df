#!/bin/sh
# csv.sh - the csv connector: quoting, delimiters, encodings, gzip, ragged rows, files longer than any memory, faults.
. "$(dirname "$0")/lib.sh"
. tests/flow/trials.inc

configure() { # configure LINES...: a [dataset] of its own begins at each line "NAME = /PATH"
	host 'retry_base = 10ms' 'first_spread = 0s'
	ini <<-INI
		[integration csv]
		base_url   = $at
		rate_limit = 10000/s
		[connection acme : csv]
	INI
	for line; do
		case $line in
		*' = /'*) printf '[dataset acme : csv : %s]\npath = %s\n' "${line%% = *}" "${line#* = }" ;;
		*) echo "$line" ;;
		esac
	done | ini
}

route() { # route PATH FILE [TYPE]: the provider answers with the file's bytes
	control faults "{\"route\":\"GET $1\",\"replies\":[{\"headers\":{\"Content-Type\":\"${3:-text/csv}\"},\"file\":\"$2\"}]}" >/dev/null
}

sync() { # sync LINES...: an empty store, one run
	configure "$@"
	rm -rf "$dir/store" "$dir/store.key"
	run run
}

models='people plain'
scripts='plugins/csv/answers/*.json'
files=$dir/files
mkdir "$files"
provider
whole() { configure 'people = /people.csv' 'numbers = score' 'plain = /plain.tsv' 'id = sku' 'numbers = *'; }
whole

trial_whole 6
run test-connection
is "$status" 0 "the check asks for each file"
has "$dir/out" '"people":\{"path":"/people.csv"\}' "and says where they are"
cat >"$dir/want" <<'JSON'
people
{"id":"p1","name":"Ada","note":"says \"hi\", twice","score":10}
{"id":"p2","name":"Žofie","note":"two\u000d\u000alines","score":9007199254740993}
{"id":"p3","name":"Bob","note":"","score":null}
{"id":"p4","name":" spaced ","note":"plain \"quote\" inside","score":"n/a"}
plain
{"sku":"a","price":1.50,"price_2":2,"column_4":"x"}
{"sku":"b","price":0.000000000000000000000000000001,"price_2":-3e5,"column_4":"y"}
JSON
same "$dir/want" "$dir/whole" "quotes, lines within cells, a delimiter that is found, names twice and none, numbers with their digits"

for fault in '"do":"429","retry_after":0' '"do":"500"' '"do":"cut","percent":50' '"do":"reset"'; do
	anew
	control faults "{\"match\":\"GET /\",\"nth\":[1],$fault}" >/dev/null
	run run
	what=$(echo "$fault" | cut -d'"' -f4)
	control faults | grep -q '"used":[1-9]'
	is "$? $status" "0 0" "$what: it happened, and the run ends well"
	brought >"$dir/got"
	same "$dir/whole" "$dir/got" "$what: with the same records"
done
trial_kills
anew
run run
control faults '{"match":"GET /people.csv","do":"truncated-json","percent":65}' >/dev/null
run run
is "$status $(live people)" "1 4" "half a file deletes nothing"
control reset >/dev/null
sed 's/p3,Bob,,\\r\\n//' plugins/csv/answers/files.json >"$dir/less.json"
control faults "$(cat "$dir/less.json")" >/dev/null
run run --sync people
has "$dir/said" '1 deleted' "a row that is gone is deleted"

# ---- long, compressed, in one encoding after the other

awk 'BEGIN { print "id,text"; for (i = 1; i <= 120000; i++) printf "%d,\"row %d, with a text of some length, to make a file of several megabytes\"\n", i, i }' >"$files/long.csv"
gzip -c "$files/long.csv" >"$files/long.csv.gz"
head -n 60001 "$files/long.csv" | gzip -c >"$files/parts.gz"
tail -n +60002 "$files/long.csv" | gzip -c >>"$files/parts.gz"
head -c 200000 "$files/long.csv.gz" >"$files/cut.gz"
for name in long.csv long.csv.gz parts.gz cut.gz; do route /$name "$files/$name" application/octet-stream; done
sync 'long = /long.csv'
is "$status" 0 "a file of $(($(stat -c %s "$files/long.csv") / 1000000)) MB comes in pieces"
run datasets --format jsonl
has "$dir/out" '"live":120000' "with all of its rows"
has "$dir/out" '"model":"long"' "into one dataset"
configure 'long = /long.csv.gz'
run run --format jsonl
has "$dir/said" '"unchanged":120000' "the same as a gzip file is unchanged"
configure 'long = /parts.gz'
run run --format jsonl
has "$dir/said" '"unchanged":120000' "and as two of them one behind the other"
configure 'long = /cut.gz'
run run
is "$status" 1 "a gzip file that is cut is a failure"
has "$dir/said" 'gzip file that is damaged or ends too early' "and says so"

printf 'id;name\n1;Žluťoučký\n2;kůň\n' | iconv -f UTF-8 -t windows-1250 >"$files/cp1250.csv"
route /cp1250.csv "$files/cp1250.csv"
sync 'text = /cp1250.csv' 'encoding = windows-1250'
is "$(stored text | tail -n 1)" '{"id":"2","name":"kůň"}' "an encoding is told by the operator"
sync 'text = /cp1250.csv'
is "$status $(live text)" "1 0" "bytes that are no UTF-8 are dead letters"
run dead-letters list
has "$dir/said" 'line 2 holds bytes that are no UTF-8' "with the line"
printf '\357\273\277id,name\n1,x\n' >"$files/bom.csv"
route /bom.csv "$files/bom.csv"
sync 'text = /bom.csv' 'encoding = windows-1252'
is "$(stored text)" '{"id":"1","name":"x"}' "a byte order mark is none of the first name, and says what the file is"
sync 'text = /bom.csv' 'encoding = utf-7'
has "$dir/said" 'encoding = utf-7 is none of those' "an encoding that is not known is told"

# ---- shapes

try() { # try LINE... <<file
	cat >"$files/one"
	route /one "$files/one"
	sync 'one = /one' "$@"
}
try 'id = key' <<'CSV'
key,a
1,x
2
3,y,z
4,"q"z
5,w
CSV
is "$status $(stored one | grep -o '"key":"[0-9]"' | tr -d '\n')" '1 "key":"1""key":"5"' "ragged rows are put aside, and the others come"
run dead-letters list
has "$dir/said" 'line 3 has 1 cells, and there are 2 columns' "with line and number"
has "$dir/said" 'line 5 holds text behind a closing quote' "and what is wrong in it"
control reset >/dev/null
try <<'CSV'
name,a
Ada,1
Bob,2
CSV
is "$(stored one | head -n 1)" '{"id":1,"name":"Ada","a":"1"}' "without an id a row is known by its number"
control reset >/dev/null
try 'header = false' 'columns = id,x,y' 'delimiter = semicolon' 'quote = none' 'skip = 1' <<'CSV'
made today
1;"a;b"
2;c;d
CSV
is "$(stored one)" '{"id":"1","x":"\"a","y":"b\""}
{"id":"2","x":"c","y":"d"}' "columns, delimiter, no quotes and lines to skip by configuration"
control reset >/dev/null
printf 'id,a\r1,x\r2,y' >"$files/in"
try <"$files/in"
is "$(live one)" 2 "lines may end with CR, and the last with nothing"
control reset >/dev/null
printf 'id,a\n1,"x\n2,y\n' >"$files/in"
try <"$files/in"
is "$status $(live one)" "1 0" "a quote that is never closed is a failure"
has "$dir/said" 'line 2: a quote is opened here and never closed' "with its line"
control reset >/dev/null
try 'id = email' <<'CSV'
name,mail
Ada,x
CSV
has "$dir/said" "no column 'email'.*it has: name, mail" "an id that is no column is told, with those that are"
control reset >/dev/null
printf '' >"$files/in"
try <"$files/in"
has "$dir/said" 'is empty' "an empty file is a failure"
control reset >/dev/null
printf '\377\376i\0d\0\n\0' >"$files/in"
try <"$files/in"
has "$dir/said" 'UTF-16' "UTF-16 is refused by name"
control reset >/dev/null
echo '<html>' >"$files/one"
route /one "$files/one" 'text/html'
sync 'one = /one'
has "$dir/said" 'a page .text/html., and no file' "a page is no file"
control reset >/dev/null
printf 'id,name\n1,Ada\n2,Bob\n' >"$files/one"
route /one "$files/one"
sync 'one = /one' '[sync acme : csv : one]' 'max_delete_share = 100%'
control reset >/dev/null
printf '{"error":"maintenance"}' >"$files/one"
route /one "$files/one" 'application/json; charset=utf-8'
run run
is "$status $(live one | tr -d ' ')" "1 2" "an error that comes as JSON with status 200 is no file without rows: nothing is deleted"
has "$dir/said" 'JSON .application/json., and no file' "and the run says so"
control reset >/dev/null
{ printf 'x%.0s' 1; awk 'BEGIN { for (i = 1; i < 10000; i++) printf ",x"; print ""; for (i = 1; i < 10000; i++) printf ","; print "end" }'; } >"$files/one"
route /one "$files/one"
sync 'one = /one'
is "$status $(stored one | grep -c '"x":"","x_2":"",.*"x_10000":"end"')" "0 1" "10 000 columns of one name are told apart, and soon"
control reset >/dev/null
control faults '{"match":"/one","do":"reply","status":403,"body":{}}' >/dev/null
run run
is "$status" 3 "credentials that are refused: exit 3"
run test-connection
is "$status" 3 "so says the check"
control reset >/dev/null
run test-connection
has "$dir/said" 'GET /one answered status 404' "and what else is wrong with a file"
sync 'one = /one' 'delimiter = ab'
has "$dir/said" "delimiter: 'ab' is not of the form comma | semicolon" "a delimiter that is none is told"
configure 'one = /one' 'delimiter = semicolumn'
run config --check
is "$status" 2 "and found before a run"
has "$dir/said" "delimiter: 'semicolumn' is not of the form .*; did you mean 'semicolon'" "with the word that was meant"

# ---- a file that has not changed is not sent
control reset >/dev/null
control set etag=on >/dev/null
file() { cat >"$files/kept.csv"; }
answered() { control requests log=1 | grep -o '"status":[0-9]*' | tail -n 1 | grep -o '[0-9]*'; } # the last request
again() { run run --format jsonl "$@"; }
printf 'id,n\n1,10\n2,20\n3,30\n4,40\n' | file
route /kept.csv "$files/kept.csv"
sync 'kept = /kept.csv'
is "$status $(answered) $(live kept)" "0 200 4" "a first run reads the file"
again
is "$status $(answered) $(live kept)" "0 304 4" "the second asks whether it has changed, and it has not"
has "$dir/said" '"saved":4.*"unchanged":4' "its rows count as listed"
has "$dir/said" '"complete":true' "and the listing as complete"
again
is "$status $(answered)" "0 304" "and so does a third"
again --full-refresh
is "$status $(answered)" "0 200" "a full refresh reads it"
again
is "$status $(answered)" "0 304" "and behind it nothing has changed"
printf 'id,n\n1,10\n3,31\n4,40\n' | file
again
is "$status $(answered) $(live kept)" "0 200 3" "a file that changed is read, and what is gone from it deleted"
again
is "$status $(answered) $(live kept)" "0 304 3" "what its own deletes changed does not count as changed by others"
printf '\nnumbers = n\n' >>"$conf/sluice.ini"
again
is "$status $(answered)" "0 200" "another way to read it is another file"
has "$dir/said" '"updated":3' "with other records"
again
is "$status $(answered)" "0 304" "which then is known"
printf '\nfields = n:string\n' >>"$conf/sluice.ini"
again
is "$(answered)" "200" "and so are other fields"
sed -i '/^fields/d' "$conf/sluice.ini"
printf 'id,n\n1,10\n3,31\n4,40\n5,50,too much\n' | file
again
again
is "$status $(answered)" "1 200" "a file with rows that were put aside is read each time"
rows() { awk -v n="$1" 'BEGIN { print "id,n"; for (i = 1; i <= n; i++) print i "," i * 10 }' | file; }
rows 20
again
rows 3
again
again
is "$status $(answered) $(live kept)" "1 200 20" "and so is one whose deletes are held back"
run confirm-deletes confirm kept
is "$status $(live kept)" "0 3" "until somebody has decided"
again
again
is "$status $(answered) $(live kept)" "0 304 3" "then it is known again"
printf '\nfields = n:integer\n' >>"$conf/sluice.ini"
printf 'id,n\n1,10\n2,20\n9,ninety\n' | file
again
sed -i '/^fields/d' "$conf/sluice.ini"
rows 2
again
again
is "$status $(answered) $(live kept)" "0 304 2" "a row of another type was put aside, and is then not in the file any more"
run dead-letters list --format jsonl
run dead-letters retry "$(sed -n 's/^{"number":\([0-9]*\),.*"id":"9".*/\1/p' "$dir/out" | tail -n 1)"
is "$status $(live kept)" "0 3" "somebody has it saved all the same"
again
is "$status $(answered) $(live kept)" "0 200 2" "where others have changed records since, the file is read, and proves again what there is"
again
is "$status $(answered)" "0 304" "then nothing has changed"
run dry-run --sync kept
is "$status $(answered)" "0 200" "a dry run shows the file itself"
control set etag=off >/dev/null
again
again
is "$status $(answered)" "0 200" "without validators it is read each time"

# ---- a file that is not for everybody, in small pieces
control reset >/dev/null
printf 'id,name\n1,Ada\n2,Bob\n3,Eve\n' >"$files/three.csv"
route /three.csv "$files/three.csv"
sync 'three = /three.csv'
control requests log=1 >"$dir/open"
hasnt "$dir/open" 'uthorization' "a public file is asked for without credentials"
configure 'three = /three.csv' '[sync acme : csv : three]' 'page_size = 2'
sed -i 's/^\[connection acme : csv\]/&\ntoken = of-the-file/' "$conf/sluice.ini"
rm -rf "$dir/store" "$dir/store.key"
run run --format jsonl
has "$dir/said" '"added":3' "rows in batches of page_size are all there"
control requests log=1 >"$dir/closed"
has "$dir/closed" 'Bearer of-the-file' "one that is not is asked for with the connection's"
