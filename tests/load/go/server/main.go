// SPDX-License-Identifier: GPL-2.0 OR BSD-2-Clause

//go:build go1.16

// server: a net/http server that knows what it did.
//
//	server [-port PORT] [-d SECONDS]
//
// main.handleRequest answers
//
//	/			a page			/healthz	"ok"
//	/echo			the request's body	/slow?ms=N	after N ms (100, at most 10000)
//	/users/N/orders/N	JSON			/panic, /abort	by panicking: a string, ErrAbortHandler
//
// main.(*API).list, a method value, answers /api/list, and a closure /closure. Prints "listening PORT",
// and at SIGTERM, SIGINT or the end of -d one JSON line: requests, by_path with calls, returned and
// panicked, and each function's truth.
package main

import (
	"fmt"
	"io"
	"net/http"
	"strconv"
	"strings"
	"time"

	"reqload/serve"
	"reqload/truth"
)

const maxBody = 16 << 20

var handled *truth.Fn

// API has a method for a handler.
type API struct {
	prefix string
	listed *truth.Fn
}

//go:noinline
func handleRequest(w http.ResponseWriter, r *http.Request) {
	start := handled.Enter()
	switch path := r.URL.Path; {
	case path == "/":
		w.Header().Set("Content-Type", "text/html")
		io.WriteString(w, "<!doctype html><html><title>server</title><p>/healthz /echo /slow</html>\n")
	case path == "/healthz":
		io.WriteString(w, "ok\n")
	case path == "/echo":
		echo(w, r)
	case path == "/slow":
		slow(w, r)
	case strings.HasPrefix(path, "/users/"):
		w.Header().Set("Content-Type", "application/json")
		fmt.Fprintf(w, "{\"path\":%q}\n", path)
	case path == "/panic":
		panic("asked to")
	case path == "/abort":
		panic(http.ErrAbortHandler)
	default:
		http.NotFound(w, r)
	}
	handled.Leave(start)
}

func echo(w http.ResponseWriter, r *http.Request) {
	body, err := io.ReadAll(http.MaxBytesReader(w, r.Body, maxBody))
	if err != nil {
		http.Error(w, err.Error(), http.StatusRequestEntityTooLarge)
		return
	}
	w.Header().Set("Content-Type", "application/octet-stream")
	w.Header().Set("Content-Length", strconv.Itoa(len(body)))
	w.Write(body)
}

func slow(w http.ResponseWriter, r *http.Request) {
	ms := 100
	if s := r.URL.Query().Get("ms"); s != "" {
		var err error
		if ms, err = strconv.Atoi(s); err != nil || ms < 0 || ms > 10000 {
			http.Error(w, "ms is 0 to 10000", http.StatusBadRequest)
			return
		}
	}
	time.Sleep(time.Duration(ms) * time.Millisecond)
	io.WriteString(w, "slept\n")
}

//go:noinline
func (a *API) list(w http.ResponseWriter, r *http.Request) {
	start := a.listed.Enter()
	io.WriteString(w, a.prefix+"[]\n")
	a.listed.Leave(start)
}

// byPath folds the paths that have no end.
func byPath(r *http.Request) string {
	switch path := r.URL.Path; {
	case strings.HasPrefix(path, "/users/"):
		return "/users/"
	case path == "/" || path == "/healthz" || path == "/echo" || path == "/slow" ||
		path == "/panic" || path == "/abort" || path == "/api/list" || path == "/closure":
		return path
	}
	return "other"
}

func main() {
	handled = truth.New("main.handleRequest", handleRequest)
	api := &API{prefix: "", listed: truth.Named("main.(*API).list")}
	var closed *truth.Fn
	closure := func(w http.ResponseWriter, r *http.Request) {
		start := closed.Enter()
		io.WriteString(w, "closed over\n")
		closed.Leave(start)
	}
	closed = truth.Named(truth.Name(closure))
	mux := http.NewServeMux()
	mux.HandleFunc("/", serve.Count(handled, byPath, handleRequest))
	mux.HandleFunc("/api/list", serve.Count(api.listed, byPath, api.list))
	mux.HandleFunc("/closure", serve.Count(closed, byPath, closure))
	serve.Run("server", mux)
}
