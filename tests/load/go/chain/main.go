// SPDX-License-Identifier: GPL-2.0 OR BSD-2-Clause

//go:build go1.16

// chain: a service in Go of those that call one another. tests/load/chain.c says what they have in common: headers,
// truth.
//
//	chain -next PORT [-port PORT] [-truth FILE] [-name NAME] [OPTION...]
//		-calls N	asks N times before it answers
//		-async		... each time by a goroutine that the handler starts, all at once
//		-workers N	... by N goroutines that were there before
//		-close		a connection for each call
//		-trace		makes a traceparent of its own for each call where one came in, as an SDK does
//
// The thread of a goroutine is nobody's: tid is 0.
package main

import (
	"bufio"
	"crypto/rand"
	"encoding/hex"
	"encoding/json"
	"flag"
	"fmt"
	"io"
	"log"
	"net"
	"net/http"
	"os"
	"os/signal"
	"strconv"
	"strings"
	"sync"
	"syscall"
	"time"
)

var (
	next    = flag.Int("next", 0, "port of the service behind")
	name    = flag.String("name", "go", "its name in the truth")
	calls   = flag.Int("calls", 1, "how often it asks")
	async   = flag.Bool("async", false, "by goroutines of the handler's")
	workers = flag.Int("workers", 0, "by goroutines that are there already")
	trace   = flag.Bool("trace", false, "new traceparents")

	client  *http.Client
	jobs    chan func()
	lock    sync.Mutex
	records *bufio.Writer
	own     int // the port
)

type record struct {
	Type    string `json:"type"`
	Service string `json:"service"`
	Chain   string `json:"chain"`
	Hop     string `json:"hop"`
	Server  int    `json:"server_port"`
	Client  int    `json:"client_port"`
	Pid     int    `json:"pid"`
	Tid     int    `json:"tid"`
	Begin   int64  `json:"begin_ns"`
	End     int64  `json:"end_ns"`
}

func tell(r *http.Request, begin time.Time) {
	_, port, _ := net.SplitHostPort(r.RemoteAddr)
	peer, _ := strconv.Atoi(port)
	line, err := json.Marshal(record{"served", *name, r.Header.Get("X-Chain-Id"), r.Header.Get("X-Hop"), own, peer,
		os.Getpid(), 0, begin.UnixNano(), time.Now().UnixNano()})
	if err != nil {
		log.Fatal(err)
	}
	lock.Lock()
	defer lock.Unlock()
	records.Write(append(line, '\n'))
}

// passOn copies the headers that tracers look at; with -trace this call has a span id of its own.
func passOn(from, to http.Header) {
	for _, h := range []string{"X-Chain-Id", "X-Request-Id", "B3", "Traceparent"} {
		if v := from.Get(h); v != "" {
			to.Set(h, v)
		}
	}
	parts := strings.Split(from.Get("Traceparent"), "-")
	if *trace && len(parts) == 4 {
		id := make([]byte, 8)
		rand.Read(id)
		parts[2] = hex.EncodeToString(id)
		to.Set("Traceparent", strings.Join(parts, "-"))
	}
}

func ask(r *http.Request, n int) (int, error) {
	out, err := http.NewRequest("GET", fmt.Sprintf("http://127.0.0.1:%d%s", *next, r.URL.Path), nil)
	if err != nil {
		return 0, err
	}
	hop := fmt.Sprintf("%s.%c%d", r.Header.Get("X-Hop"), (*name)[0], n)
	passOn(r.Header, out.Header)
	out.Header.Set("X-Hop", hop)
	answer, err := client.Do(out)
	if err != nil {
		return 0, err
	}
	defer answer.Body.Close()
	if _, err := io.Copy(io.Discard, answer.Body); err != nil {
		return 0, err
	}
	if got := answer.Header.Get("X-Hop"); got != hop {
		return 0, fmt.Errorf("%s was answered by %s", hop, got)
	}
	return answer.StatusCode, nil
}

// askAll makes the calls; the status is the worst.
func askAll(r *http.Request) (int, error) {
	var wait sync.WaitGroup
	status := make([]int, *calls)
	errs := make([]error, *calls)
	for i := range status {
		i := i
		call := func() { status[i], errs[i] = ask(r, i+1) }
		if *workers == 0 && !*async {
			call()
			continue
		}
		wait.Add(1)
		both := func() { defer wait.Done(); call() }
		if *async {
			go both()
		} else {
			jobs <- both
		}
	}
	wait.Wait()
	worst := 0
	for i := range status {
		if errs[i] != nil {
			return 0, errs[i]
		}
		if status[i] > worst {
			worst = status[i]
		}
	}
	return worst, nil
}

func handle(w http.ResponseWriter, r *http.Request) {
	begin := time.Now()
	status, err := askAll(r)
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		status = 502
	}
	tell(r, begin)
	w.Header().Set("X-Chain-Id", r.Header.Get("X-Chain-Id"))
	w.Header().Set("X-Hop", r.Header.Get("X-Hop"))
	w.WriteHeader(status)
	io.WriteString(w, "chain.\n")
}

func main() {
	port := flag.Int("port", 0, "its own")
	path := flag.String("truth", "/dev/stdout", "a file")
	short := flag.Bool("close", false, "a connection for each call")
	flag.Parse()
	f, err := os.OpenFile(*path, os.O_WRONLY|os.O_CREATE|os.O_APPEND, 0644)
	if err != nil {
		log.Fatal(err)
	}
	records = bufio.NewWriter(f)
	client = &http.Client{Transport: &http.Transport{DisableKeepAlives: *short, MaxIdleConnsPerHost: 100}}
	jobs = make(chan func())
	for i := 0; i < *workers; i++ {
		go func() {
			for job := range jobs {
				job()
			}
		}()
	}
	l, err := net.Listen("tcp", fmt.Sprintf("127.0.0.1:%d", *port))
	if err != nil {
		log.Fatal(err)
	}
	own = l.Addr().(*net.TCPAddr).Port
	end := make(chan os.Signal, 1)
	signal.Notify(end, syscall.SIGTERM, syscall.SIGINT)
	go http.Serve(l, http.HandlerFunc(handle))
	fmt.Printf("listening %d\n", own)
	<-end
	lock.Lock()
	records.Flush()
}
