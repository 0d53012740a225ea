module clients

go 1.24

require github.com/example/rollbook v0.0.0

replace github.com/example/rollbook => ./rollbook
