#!/bin/sh
# Plausible guess: an object in an OpenAPI description is open unless it says otherwise, so a server may add a member
# to an answer, and clients that were generated before ignore it.
# Truth: OpenAPI Generator's Go client takes a schema without `additionalProperties` for closed. It answers with an
# error, though the status is 200 and the server has done what it was asked: who retries on errors sends twice. With
# `additionalProperties: true` in the description the same client reads the answer and keeps the member.
set -eu
dir=$(mktemp -d)
cd "$dir"
python3 -m venv venv
venv/bin/pip install --quiet --disable-pip-version-check openapi-generator-cli==7.26.0
generator=$(find venv -name openapi-generator.jar)
generator="$dir/$generator"
echo "OpenAPI Generator $(java -jar "$generator" version)"
description() {
    cat <<Y
openapi: 3.1.0
info: {title: x, version: '1'}
paths:
  /send:
    post:
      operationId: send
      responses:
        '200':
          description: taken
          content: {application/json: {schema: {\$ref: '#/components/schemas/Taken'}}}
components:
  schemas:
    Taken:
      type: object
      required: [result, requestId]
      properties: {result: {type: boolean}, requestId: {type: string}}
$1
Y
}
try() {
    description "$2" >"$1.yaml"
    java -jar "$generator" generate --input-spec "$1.yaml" --generator-name go --output "$1" \
        --additional-properties=packageName=client,withGoMod=false >/dev/null 2>&1
    mkdir -p "$1/main"
    cat >"$1/main/main.go" <<'G'
package main

import (
	"context"
	"fmt"
	"net/http"
	"net/http/httptest"

	client "example.com/client"
)

func main() {
	taken := 0
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		taken++
		w.Header().Set("Content-Type", "application/json")
		fmt.Fprint(w, `{"result":true,"requestId":"5d915c22d132d5f45a4e38b8","laterMember":1}`)
	}))
	configuration := client.NewConfiguration()
	configuration.Servers = client.ServerConfigurations{{URL: server.URL}}
	_, response, err := client.NewAPIClient(configuration).DefaultAPI.Send(context.Background()).Execute()
	fmt.Printf("taken %d, status %d, error %v\n", taken, response.StatusCode, err)
}
G
    (cd "$1" && printf 'module example.com/client\n\ngo 1.22\n' >go.mod && GOFLAGS=-mod=mod go run ./main)
}
closed=$(try closed "")
open=$(try open "      additionalProperties: true")
echo "additionalProperties left out: $closed"
echo "additionalProperties: true:    $open"
[ "$closed" = 'taken 1, status 200, error json: unknown field "laterMember"' ]
[ "$open" = 'taken 1, status 200, error <nil>' ]
# Seen on 2026-11-30:
#   OpenAPI Generator 7.26.0
#   additionalProperties left out: taken 1, status 200, error json: unknown field "laterMember"
#   additionalProperties: true:    taken 1, status 200, error <nil>
