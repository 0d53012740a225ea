#!/bin/sh
# Plausible guess: an optional member that a Go client does not set is left out of the request: the generated field has
# `omitempty`.
# Truth: an optional member without a type (a number or a string, so the description names neither), in an object with
# `additionalProperties: true`, goes out as null whenever it is not set. Neither does it alone: without
# additionalProperties the tag is honoured, and a typed member is left out. A server that takes null for "clear this
# field" resets it at each update.
set -eu
dir=$(mktemp -d)
cd "$dir"
export GOPATH="$dir/go" GOFLAGS=-modcacherw
GOBIN="$dir/bin" go install github.com/oapi-codegen/oapi-codegen/v2/cmd/oapi-codegen@v2.8.2 >/dev/null 2>&1
try() {
    mkdir -p "$1/contact"
    cat >"$1/description.yaml" <<Y
openapi: 3.0.3
info: {title: x, version: '1'}
paths: {}
components:
  schemas:
    Contact:
      type: object
      required: [contact]
      properties:
        contact: {type: string}
        firstName: {type: string}
        score: {description: a number or a string}
$2
Y
    bin/oapi-codegen -generate types,skip-prune -package contact "$1/description.yaml" >"$1/contact/contact.go"
    cat >"$1/main.go" <<'G'
package main

import (
	"encoding/json"
	"fmt"

	"example.com/client/contact"
)

func main() {
	body, err := json.Marshal(contact.Contact{Contact: "ann@example.com"})
	fmt.Println(string(body), err)
}
G
    (cd "$1" && printf 'module example.com/client\n\ngo 1.22\n' >go.mod && go run .)
}
bin/oapi-codegen -version | tail -1 | sed 's/^/oapi-codegen /'
closed=$(try closed "")
open=$(try open "      additionalProperties: true")
echo "additionalProperties left out: $closed"
echo "additionalProperties: true:    $open"
[ "$closed" = '{"contact":"ann@example.com"} <nil>' ]
[ "$open" = '{"contact":"ann@example.com","score":null} <nil>' ]
# Seen on 2026-11-30:
#   oapi-codegen v2.8.2
#   additionalProperties left out: {"contact":"ann@example.com"} <nil>
#   additionalProperties: true:    {"contact":"ann@example.com","score":null} <nil>
