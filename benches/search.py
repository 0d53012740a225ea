#!/usr/bin/env python3
"""How long searches, filters and sorted pages take over HTTP, contacts included, beside nothing else.

    benches/search.py [CONTACTS] [PROGRAM] [POSTGRESQL] [STORE]

fills one list with invented people, waits until they are indexed, and prints milliseconds. With the address of an empty
PostgreSQL database the names and addresses go there too, and `ILIKE '%…%'` is asked beside it, through psql. STORE is the
address of another empty database: then the server stores the contacts there and not in a file. An empty POSTGRESQL asks none.
"""

import http.client
import itertools
import json
import multiprocessing
import os
import random
import re
import subprocess
import sys
import tempfile
import time

CONTACTS = int(sys.argv[1]) if len(sys.argv) > 1 else 1_000_000
PROGRAM = os.path.realpath(sys.argv[2] if len(sys.argv) > 2 else "target/dist/rollbook")
POSTGRES = sys.argv[3] if len(sys.argv) > 3 else None
STORE = sys.argv[4] if len(sys.argv) > 4 else None
ASKS = 200

SYLLABLES = ["an", "be", "co", "da", "el", "fi", "ga", "hu", "jo", "ka", "li", "mo", "na", "os", "pe", "ra", "su", "ti"]
FIRST = ["Jürgen", "Anna", "Zoë", "Marie", "Ivan", "Olena", "José", "Peter"] + [
    "".join(part).capitalize() for part in itertools.product(SYLLABLES, repeat=2)
]
LAST = ["Müller", "García", "Novák", "Smith"] + ["".join(part).capitalize() for part in itertools.product(SYLLABLES, repeat=3)]
DOMAINS = ["gmail.com"] * 4 + ["example.com"] * 2 + ["mail.example.org", "example.net"]


def person(number):
    """The same person for the same number."""
    rand = random.Random(number)
    first, last = rand.choice(FIRST), rand.choice(LAST)
    plain = f"{first}.{last}.{number}".lower().encode("ascii", "ignore").decode()
    return {
        "contact": f"{plain}@{rand.choice(DOMAINS)}",
        "name": f"{first} {last}",
        "contactLanguage": rand.choice(["de", "en", "fr", "uk"]),
        "contactScore": rand.randrange(100),
        "active": rand.random() < 0.8,
        "phoneNumber": f"+15555{10_000_000 + number}",
    }


def call(connection, token, method, body):
    head = {"access-token": token, "content-type": "application/json"}
    while True:
        connection.request("POST", f"/v3/{method}", json.dumps(body), head)
        answer = connection.getresponse()
        text = answer.read()
        if answer.status == 503:
            time.sleep(float(answer.headers.get("retry-after", 1)))
            continue
        if answer.status != 200:
            raise SystemExit(f"{method}: {answer.status} {text[:300]!r}")
        return json.loads(text)


def fill(port, token, contact_list, begin, end):
    connection = http.client.HTTPConnection("127.0.0.1", port)
    for at in range(begin, end, 100):
        contacts = [person(number) for number in range(at, min(at + 100, end))]
        call(connection, token, "contacts/update", {"contactListId": contact_list, "upsert": True, "contacts": contacts})


def is_found(answer):
    """Whether an answer has a contact, and no warning that the index is being built."""
    return bool(answer["data"]) and not answer.get("warnings")


def percentiles(times):
    times = sorted(times)
    return "p50 %7.2f  p95 %7.2f  most %7.2f" % (times[len(times) // 2], times[len(times) * 95 // 100], times[-1])


def measure(connection, token, name, bodies):
    times, found = [], 0
    for body in bodies:
        start = time.perf_counter()
        answer = call(connection, token, "contacts/find", body)
        if answer.get("warnings"):
            raise SystemExit(f"{name}: {answer['warnings']}")
        times.append((time.perf_counter() - start) * 1000)
        found += len(answer["data"])
    print(f"{name:44} {percentiles(times)}  {found / len(times):5.1f} contacts each", flush=True)


def asked(page, texts):
    return [{**page, "search": text} for text in texts]


def ilike(texts):
    """The same question to PostgreSQL, as a table of subscribers is searched by other products."""
    times = []
    for text in texts:
        query = (
            "EXPLAIN (ANALYZE, TIMING OFF) SELECT * FROM people "
            f"WHERE name ILIKE '%{text}%' OR email ILIKE '%{text}%' ORDER BY id LIMIT 20"
        )
        out = subprocess.run(["psql", "-qAt", POSTGRES, "-c", query], check=True, capture_output=True, text=True).stdout
        times.append(float(re.search(r"Execution Time: ([0-9.]+)", out).group(1)))
    return times


def print_sizes(directory):
    if STORE:
        query = "SELECT coalesce(sum(pg_total_relation_size(oid)), 0) FROM pg_class WHERE relkind = 'r' AND relname "
        searched = [query + "LIKE 'search%'", query + "NOT LIKE 'search%' AND relnamespace = 'public'::regnamespace"]
        index, store = (int(subprocess.check_output(["psql", "-qAt", STORE, "-c", one])) for one in searched)
    else:
        # A server that has ended has emptied its logs.
        store, index = (os.path.getsize(f"{directory}/rollbook.db{part}") for part in ("", ".search"))
    print(f"bytes a contact: {store / CONTACTS:.0f} in the store, {index / CONTACTS:.0f} in the index", flush=True)


def main():
    directory = tempfile.mkdtemp(prefix="rollbook-search-")
    environment = {**os.environ, "ROLLBOOK_DATABASE": STORE or f"{directory}/rollbook.db", "ROLLBOOK_LISTEN": "127.0.0.1:0"}
    made = subprocess.run([PROGRAM, "account", "create", "Bench", "--json"], env=environment, check=True, capture_output=True)
    token = json.loads(made.stdout)["accessToken"]
    log = open(f"{directory}/log", "w+")
    server = subprocess.Popen([PROGRAM, "serve"], env=environment, stdout=log, stderr=log)
    try:
        port = None
        while port is None:
            time.sleep(0.1)
            found = re.search(r"address=127\.0\.0\.1:([0-9]+)", open(f"{directory}/log").read())
            port = int(found.group(1)) if found else None
        connection = http.client.HTTPConnection("127.0.0.1", port, timeout=120)
        contact_list = call(connection, token, "contact-list/create", {"contactListName": "People"})
        contact_list = contact_list["contactListId"]
        start = time.time()
        half = CONTACTS // 200 * 100
        parts = [(0, half), (half, CONTACTS)]
        workers = [multiprocessing.Process(target=fill, args=(port, token, contact_list, *part)) for part in parts]
        for worker in workers:
            worker.start()
        for worker in workers:
            worker.join()
        everyone = {"contactListId": contact_list, "limit": 1, "count": True}
        while call(connection, token, "contacts/find", everyone)["totalCount"] < CONTACTS:
            time.sleep(0.2)
        applied = time.time() - start
        # The index is up to date once the latest contact of each part is found by its words, and nothing is reported.
        latest = [person(end - 1)["contact"].split("@")[0].replace(".", " ") for _, end in parts]
        searches = [{"contactListId": contact_list, "search": text, "limit": 1} for text in latest]
        while not all(is_found(call(connection, token, "contacts/find", body)) for body in searches):
            time.sleep(0.2)
        print(f"{CONTACTS} contacts applied in {applied:.0f} s, indexed in {time.time() - start:.0f} s", flush=True)
        time.sleep(10)
        rand = random.Random(7)
        people = [person(rand.randrange(CONTACTS)) for _ in range(ASKS)]
        typed = [one["name"].split()[1][: rand.randrange(1, 9)] for one in people]
        page = {"contactListId": contact_list, "limit": 20}
        measure(connection, token, "search as it is typed, one word", asked(page, typed))
        two = [" ".join(word[: rand.randrange(1, 9)] for word in one["name"].split()) for one in people]
        measure(connection, token, "search as it is typed, two words", asked(page, two))
        measure(connection, token, "commonest beginnings: exam, gmai", asked(page, ["exam", "gmai"] * (ASKS // 2)))
        none = ["xq" + one["name"].split()[1][:4] for one in people]
        measure(connection, token, "no hit", asked(page, none))
        measure(connection, token, "six digits of a phone number", asked(page, [one["phoneNumber"][-6:] for one in people]))
        measure(connection, token, "a whole e-mail address", asked(page, [one["contact"] for one in people]))
        three = {"all": [
            {"field": "active", "op": "is", "value": True},
            {"field": "contactLanguage", "op": "is", "value": "de"},
            {"field": "contactScore", "op": "after", "value": 50},
        ]}
        measure(connection, token, "three conditions, the first page", [{**page, "filter": three}] * 20)
        measure(connection, token, "three conditions, with the count", [{**page, "filter": three, "count": True}] * 20)
        for sort in ("name", "-score", "-changed"):
            measure(connection, token, f"sorted by {sort}", [{**page, "sort": sort}] * 10)
        status = open(f"/proc/{server.pid}/status").read()
        print("memory:", re.search(r"VmHWM:\s*(.*)", status).group(1), flush=True)
        if POSTGRES:
            table = "DROP TABLE IF EXISTS people; CREATE TABLE people (id bigint PRIMARY KEY, name text, email text)"
            subprocess.run(["psql", "-q", POSTGRES, "-c", table], check=True)
            copy = subprocess.Popen(["psql", "-q", POSTGRES, "-c", "COPY people FROM STDIN"], stdin=subprocess.PIPE, text=True)
            for number in range(CONTACTS):
                one = person(number)
                copy.stdin.write(f"{number}\t{one['name']}\t{one['contact']}\n")
            copy.stdin.close()
            if copy.wait() != 0:
                raise SystemExit("psql: COPY failed")
            subprocess.run(["psql", "-q", POSTGRES, "-c", "VACUUM ANALYZE people"], check=True)
            print("ILIKE '%…%', a rare name or none".ljust(44), percentiles(ilike(none[:20])))
    finally:
        server.terminate()
        server.wait()
        print_sizes(directory)
        for name in os.listdir(directory):
            os.path.isfile(f"{directory}/{name}") and os.remove(f"{directory}/{name}")


main()
