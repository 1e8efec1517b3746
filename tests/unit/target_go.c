// SPDX-License-Identifier: GPL-2.0 OR BSD-2-Clause
#include <errno.h>
#include <stdarg.h>
#include <stdlib.h>
#include <unistd.h>
#include "log.h"
#include "target.h"
#include "unit/t.h"

static char dir[64] = "/tmp/target_go.XXXXXX";

static int sh(const char *fmt, ...) PRINTF(1, 2);
static int sh(const char *fmt, ...)
{
	char cmd[4096];
	va_list ap;
	int n;

	n = snprintf(cmd, sizeof(cmd),
		     "cd %s && export GOFLAGS=-mod=mod GOPROXY=off GOTOOLCHAIN=local && ", dir);
	va_start(ap, fmt);
	vsnprintf(cmd + n, sizeof(cmd) - (size_t)n, fmt, ap);
	va_end(ap);
	return system(cmd);
}

static const char *file(const char *base)
{
	static char path[128];

	snprintf(path, sizeof(path), "%s/%s", dir, base);
	return path;
}

static void put(const char *base, const char *text)
{
	FILE *f = fopen(file(base), "w");

	T_OK(f && fputs(text, f) >= 0 && !fclose(f));
}

static int find(struct tfile **t, const char *base, const char *pattern)
{
	return target_file(t, file(base), base, "", &pattern, 1);
}

static void refused(int err, const char *base, const char *pattern, const char *words)
{
	struct tfile *t = (void *)1;

	fail_clear();
	T_EQ(find(&t, base, pattern), err);
	T_OK(!t);
	T_OK(strstr(fail_text(err), words));
	if (!strstr(fail_text(err), words))
		printf("  \"%s\" is not in \"%s\"\n", words, fail_text(err));
}

static const struct tfunc *named(const struct tfile *t, const char *name)
{
	size_t i;

	for (i = 0; t && i < t->nfuncs; i++)
		if (!strcmp(t->funcs[i].name, name))
			return &t->funcs[i];
	return NULL;
}

/* panic(err) keeps a frame, and a RET, in each of them. */
static const char program[] =
	"package main\n"
	"import (\"fmt\"; \"os\")\n"
	"type API struct { n int }\n"
	"type OldAPI struct { n int }\n"
	"//go:noinline\nfunc (a *API) list(x int) int { fmt.Fprint(os.Stderr, a.n); return a.n + x "
	"}\n"
	"//go:noinline\nfunc (a *OldAPI) list(x int) int { fmt.Fprint(os.Stderr, a.n); return a.n "
	"- x }\n"
	"//go:noinline\nfunc (a API) health() int { fmt.Fprint(os.Stderr, a.n); return a.n }\n"
	"func small(x int) int { return x + 1 }\n"
	"//go:noinline\nfunc Map[T any](x T) string { return fmt.Sprint(x) }\n"
	"//go:noinline\nfunc forever() { for { fmt.Print() } }\n"
	"func main() {\n"
	"\ta := &API{len(os.Args)}\n"
	"\to := &OldAPI{small(a.n)}\n"
	"\tf := func() int { defer fmt.Print(); return a.list(o.list(a.health())) }\n"
	"\tif f() == 12345 { go forever() }\n"
	"\tfmt.Fprint(os.Stderr, Map(1), Map(\"x\"), small(a.n))\n"
	"}\n";

static void names(void)
{
	struct tfile *t = NULL;
	size_t i;

	T_EQ(find(&t, "prog", "main.(*API).list"), 0);
	T_EQ(t ? t->nfuncs : 0, 1);
	T_EQ(t ? t->lang : 9, LANG_GO);
	T_OK(t && t->go_minor >= 17 && !strncmp(t->go_version, "go1.", 4) && t->off.goid);
	T_OK(t && t->funcs[0].entry_off && t->funcs[0].nexits && !t->funcs[0].refused);
	T_OK(t && t->funcs[0].entry_off + t->funcs[0].va_off - t->funcs[0].addr < 64);
	T_OK(t && t->funcs[0].exit_off && t->funcs[0].exit_off[0] > t->funcs[0].entry_off);
	target_free(t);

	T_EQ(find(&t, "prog", "main.Map[...]"), 0);
	T_EQ(t ? t->nfuncs : 0, 2);
	for (i = 0; t && i < t->nfuncs; i++)
		T_OK(!strncmp(t->funcs[i].name, "main.Map[", 9));
	T_OK(t && t->nfuncs == 2 && t->funcs[0].entry_off != t->funcs[1].entry_off);
	target_free(t);

	T_EQ(find(&t, "prog", "main.main"), 0);
	T_EQ(t ? t->nfuncs : 0, 1);
	target_free(t);
	T_EQ(find(&t, "prog", "main.main*"), 0);
	T_OK(t && t->nfuncs > 1 && named(t, "main.main.func1"));
	target_free(t);
	T_EQ(find(&t, "prog", "main.(*API).*"), 0);
	T_OK(named(t, "main.(*API).list") && !named(t, "main.(*OldAPI).list"));
	target_free(t);
}

/*
 * Every function of the file: in order, each once, and none without an exit array (which would be
 * a return probe).
 */
static void everything(const char *base, size_t *count, uint64_t *list_off)
{
	struct tfile *t = NULL;
	size_t i, unset = 0, unordered = 0, unexplained = 0, usable = 0;

	T_EQ(find(&t, base, "*"), 0);
	for (i = 0; t && i < t->nfuncs; i++) {
		unset += !t->funcs[i].exit_off;
		unordered += i && t->funcs[i].addr <= t->funcs[i - 1].addr;
		unexplained += t->funcs[i].refused ? !*t->funcs[i].refused : !t->funcs[i].entry_off;
		usable += !t->funcs[i].refused;
	}
	T_EQ(unset, 0);
	T_EQ(unordered, 0);
	T_EQ(unexplained, 0);
	T_OK(t && usable > t->nfuncs / 2);
	T_OK(named(t, "main.forever") && named(t, "main.forever")->nexits == 0);
	T_OK(named(t, "main.forever") && named(t, "main.forever")->note);
	*count = t ? t->nfuncs : 0;
	*list_off = named(t, "main.(*API).list") ? named(t, "main.(*API).list")->entry_off : 0;
	target_free(t);
}

static void whole_files(void)
{
	uint64_t off, stripped_off, pie_off;
	size_t n, stripped, pie;

	everything("prog", &n, &off);
	T_OK(n > 1000);
	T_EQ(sh("cp prog stripped && strip stripped"), 0);
	everything("stripped", &stripped, &stripped_off);
	T_EQ(stripped, n);
	T_EQ(stripped_off, off);
	T_EQ(sh("go build -buildmode=pie -o pie main.go"), 0);
	everything("pie", &pie, &pie_off);
	T_OK(pie > 1000 && pie_off);
}

static void not_found(void)
{
	refused(-ENOENT, "prog", "main.API.list", "did you mean main.(*API).list");
	refused(-ENOENT, "prog", "main.Map", "main.Map[...]");
	refused(-ENOENT, "prog", "list", "main.(*API).list");
	refused(-ENOENT, "prog", "main.small", "main.small exists only inlined (into main.main");
	refused(-ENOENT, "prog", "main.nothing*", "matches main.nothing*");
	refused(-ENOENT, "stripped", "main.health", "main.API.health");
}

static void cgo(void)
{
	put("cgo.go",
	    "package main\n/*\nint c_work(int x) { return x * 3 + 1; }\n*/\nimport \"C\"\n"
	    "func main() { println(C.c_work(4)) }\n");
	if (sh("CGO_ENABLED=1 go build -o cgo cgo.go 2>go.log")) {
		printf("no cgo here: not checked\n");
		return;
	}
	refused(-ENOTSUP, "cgo", "c_work", "C code inside a Go binary");
	refused(-ENOTSUP, "cgo", "c_wo*", "c_work is C code inside a Go binary");
}

static void known(void)
{
	struct tfile *t = NULL;

	T_EQ(target_known(&t, file("prog"), "prog"), -ENOENT);
	T_OK(!t);
	T_EQ(target_known(&t, "/bin/sh", "sh"), -ENOENT);
	/* Stand-ins with the import paths of the real ones. */
	T_EQ(sh("mkdir -p f r && printf 'module x\\nrequire github.com/valyala/fasthttp "
		"v0.0.0\\nreplace "
		"github.com/valyala/fasthttp => ./f\\nrequire github.com/fasthttp/router "
		"v0.0.0\\nreplace "
		"github.com/fasthttp/router => ./r\\n' >go.mod && "
		"echo module github.com/valyala/fasthttp >f/go.mod && "
		"echo module github.com/fasthttp/router >r/go.mod"),
	     0);
	put("f/f.go", "package fasthttp\ntype Server struct{ N int }\n//go:noinline\n"
		      "func (s *Server) serveConn(x int) int { println(x); return s.N }\n"
		      "func (s *Server) Serve(x int) int { return s.serveConn(x) }\n");
	put("r/r.go", "package router\ntype Router struct{ N int }\n//go:noinline\n"
		      "func (r *Router) Handler(x int) int { println(x); return r.N }\n");
	put("bare.go", "package main\nimport \"github.com/valyala/fasthttp\"\n"
		       "func main() { s := fasthttp.Server{1}; s.Serve(2) }\n");
	put("routed.go", "package main\nimport (\"github.com/valyala/fasthttp\"; "
			 "\"github.com/fasthttp/router\")\n"
			 "func main() { s := fasthttp.Server{1}; s.Serve(2); r := "
			 "router.Router{3}; r.Handler(4) }\n");
	T_EQ(sh("go build -o bare bare.go && go build -o routed routed.go"), 0);
	T_EQ(target_known(&t, file("bare"), "bare"), -ENOTSUP);
	T_OK(!t && strstr(fail_text(-ENOTSUP), "name its handler function"));
	T_EQ(target_known(&t, file("routed"), "routed"), 0);
	T_EQ(t ? t->nfuncs : 0, 1);
	T_OK(named(t, "github.com/fasthttp/router.(*Router).Handler") &&
	     !named(t, "github.com/fasthttp/router.(*Router).Handler")->refused);
	target_free(t);

	put("web.go", "package main\nimport \"net/http\"\nfunc main() { "
		      "println(http.ListenAndServe(\":0\", nil)) }\n");
	T_EQ(sh("CGO_ENABLED=0 go build -o web web.go"), 0);
	T_EQ(target_known(&t, file("web"), "web"), 0);
	T_EQ(t ? t->nfuncs : 0, 1);
	T_OK(named(t, "net/http.serverHandler.ServeHTTP") &&
	     named(t, "net/http.serverHandler.ServeHTTP")->nexits);
	target_free(t);
}

int main(void)
{
	if (!mkdtemp(dir))
		return 99;
	put("main.go", program);
	if (sh("go version >/dev/null 2>&1")) {
		printf("skip: no Go compiler\n");
		return sh("rm -r %s", dir) ? 99 : 77;
	}
	T_EQ(sh("go build -o prog main.go"), 0);
	names();
	whole_files();
	not_found();
	cgo();
	known();
	T_EQ(sh("rm -r %s", dir), 0);
	return t_done();
}
