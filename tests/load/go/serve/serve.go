// SPDX-License-Identifier: GPL-2.0 OR BSD-2-Clause

// Package serve is the life of an HTTP workload: it listens on 127.0.0.1, says so, counts what each
// route was asked, and ends with the truth.
package serve

import (
	"context"
	"flag"
	"fmt"
	"io"
	"log"
	"net"
	"net/http"
	"os"
	"os/signal"
	"sort"
	"strings"
	"sync"
	"syscall"
	"time"

	"reqload/truth"
)

type route struct{ calls, returned, panicked int }

var (
	lock   sync.Mutex
	routes = map[string]*route{}
)

// Count wraps a handler: it counts under name(r) how the handler's calls went, and in fn which of
// them a panic ended. The panic goes on to net/http.
func Count(fn *truth.Fn, name func(*http.Request) string, h http.HandlerFunc) http.HandlerFunc {
	return func(w http.ResponseWriter, r *http.Request) {
		key, done := name(r), false
		defer func() {
			lock.Lock()
			defer lock.Unlock()
			if routes[key] == nil {
				routes[key] = &route{}
			}
			routes[key].calls++
			if done {
				routes[key].returned++
			} else {
				routes[key].panicked++
				fn.Unwound(1)
			}
		}()
		h(w, r)
		done = true
	}
}

// Run serves until SIGTERM, SIGINT or -d, lets the requests under way finish, and reports.
func Run(name string, handler http.Handler) {
	port := flag.Int("port", 0, "port on 127.0.0.1; 0 is any free one")
	seconds := flag.Int("d", 0, "end after so many seconds")
	flag.Parse()
	l, err := net.Listen("tcp", fmt.Sprintf("127.0.0.1:%d", *port))
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
	end := make(chan os.Signal, 1)
	signal.Notify(end, syscall.SIGTERM, syscall.SIGINT)
	if *seconds > 0 {
		time.AfterFunc(time.Duration(*seconds)*time.Second, func() { end <- syscall.SIGTERM })
	}
	server := &http.Server{
		Handler: handler, ErrorLog: log.New(io.Discard, "", 0),
		ReadTimeout: 30 * time.Second, IdleTimeout: 15 * time.Second, MaxHeaderBytes: 16 << 10,
	}
	go server.Serve(l)
	fmt.Printf("listening %d\n", l.Addr().(*net.TCPAddr).Port)
	<-end
	ctx, cancel := context.WithTimeout(context.Background(), 15*time.Second)
	defer cancel()
	server.Shutdown(ctx)
	truth.Report(name, byPath())
}

func byPath() string {
	lock.Lock()
	defer lock.Unlock()
	var rows []string
	requests := 0
	for key, r := range routes {
		requests += r.calls
		rows = append(rows, fmt.Sprintf(`%q:{"calls":%d,"returned":%d,"panicked":%d}`, key, r.calls,
			r.returned, r.panicked))
	}
	sort.Strings(rows)
	return fmt.Sprintf(`,"requests":%d,"by_path":{%s}`, requests, strings.Join(rows, ","))
}
