// SPDX-License-Identifier: GPL-2.0 OR BSD-2-Clause
#include "target.h"
#include "unit/t.h"

static const char *framework(const char *function)
{
	const struct known *k = known_find(function);

	return k ? k->framework : "none";
}

int main(void)
{
	size_t i, j;

	T_STR(framework("net/http.serverHandler.ServeHTTP"), "net/http");
	T_STR(framework("google.golang.org/grpc.(*Server).handleStream"), "gRPC");
	T_STR(framework("example.com/app/vendor/google.golang.org/grpc.(*Server).handleStream"),
	      "gRPC");
	T_STR(framework("vendor/github.com/gofiber/fiber/v2.(*App).handler"), "fiber");
	T_STR(framework("a/vendor/b/vendor/github.com/fasthttp/router.(*Router).Handler"),
	      "fasthttp/router");
	T_STR(framework("example.com/myvendor/google.golang.org/grpc.(*Server).handleStream"),
	      "none");
	T_STR(framework("google.golang.org/grpc.(*Server).handleStream.func1"), "none");
	T_STR(framework("main.main"), "none");
	T_STR(framework(""), "none");
	T_OK(known_find("net/http.serverHandler.ServeHTTP")->http);
	T_OK(!known_find("google.golang.org/grpc.(*Server).handleStream")->http);
	T_OK(known_find("github.com/valyala/fasthttp.(*Server).serveConn")->cannot != NULL);
	for (i = 0; i < known_count; i++) {
		T_OK(known_find(known_entries[i].function) == &known_entries[i]);
		T_OK(known_entries[i].framework[0] && known_entries[i].on[0]);
		for (j = 0; j < i; j++)
			T_OK(strcmp(known_entries[i].function, known_entries[j].function));
	}
	return t_done();
}
