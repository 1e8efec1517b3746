// SPDX-License-Identifier: GPL-2.0 OR BSD-2-Clause
/*
 * The functions that run once per request in the servers people use. To add one: find the function
 * that every request passes through exactly once, that is not inlined and not a closure, and write
 * its name as `handlerlat --list` shows it.
 *
 * Whatever is built on net/http needs no row of its own: gin, echo, chi, gorilla, httprouter,
 * connect and Kubernetes' API server all hand net/http a Handler, and serverHandler.ServeHTTP is
 * what calls it, for HTTP/1 and HTTP/2 alike.
 *
 * fasthttp has no such function: serveConn runs a whole connection and calls a func value. Only
 * what that value usually is can be listed here: the routers' and fiber's handlers (fiber v1 and
 * v2: handler; v3 up to 3.2: requestHandler; from 3.3: defaultRequestHandler, or
 * customRequestHandler for an own Ctx type).
 */
#include <string.h>
#include "target.h"

#define FASTHTTP_CANNOT                                                                            \
	"fasthttp server without a known router: name its handler function "                       \
	"(func(*fasthttp.RequestCtx))"

const struct known known_entries[] = {
	{"net/http.serverHandler.ServeHTTP", "net/http", "net/http", true, NULL},
	{"net/http/fcgi.(*child).serveRequest", "net/http/fcgi", "fcgi", false, NULL},
	{"google.golang.org/grpc.(*Server).handleStream", "gRPC", "grpc", false, NULL},
	{"github.com/gofiber/fiber.(*App).handler", "fiber", "fasthttp", false, NULL},
	{"github.com/gofiber/fiber/v2.(*App).handler", "fiber", "fasthttp", false, NULL},
	{"github.com/gofiber/fiber/v3.(*App).requestHandler", "fiber", "fasthttp", false, NULL},
	{"github.com/gofiber/fiber/v3.(*App).defaultRequestHandler", "fiber", "fasthttp", false,
	 NULL},
	{"github.com/gofiber/fiber/v3.(*App).customRequestHandler", "fiber", "fasthttp", false,
	 NULL},
	{"github.com/fasthttp/router.(*Router).Handler", "fasthttp/router", "fasthttp", false,
	 NULL},
	{"github.com/buaazp/fasthttprouter.(*Router).Handler", "fasthttprouter", "fasthttp", false,
	 NULL},
	{"github.com/qiangxue/fasthttp-routing.(*Router).HandleRequest", "fasthttp-routing",
	 "fasthttp", false, NULL},
	{"github.com/cloudwego/hertz/pkg/route.(*Engine).ServeHTTP", "hertz", "hertz", false, NULL},
	{"github.com/valyala/fasthttp.(*Server).serveConn", "fasthttp", "fasthttp", false,
	 FASTHTTP_CANNOT},
};
const size_t known_count = sizeof(known_entries) / sizeof(known_entries[0]);

/*
 * "example.com/app/vendor/github.com/x/y.F" is y's F in a vendored copy (GOPATH builds; modules
 * leave no trace).
 */
static const char *without_vendor(const char *name)
{
	const char *p;

	while ((p = strstr(name, "vendor/")) && (p == name || p[-1] == '/'))
		name = p + strlen("vendor/");
	return name;
}

const struct known *known_find(const char *function)
{
	const struct known *k;

	function = without_vendor(function);
	for (k = known_entries; k < known_entries + known_count; k++)
		if (!strcmp(k->function, function))
			return k;
	return NULL;
}
