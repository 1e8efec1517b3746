// SPDX-License-Identifier: GPL-2.0 OR BSD-2-Clause
#include <errno.h>
#include <string.h>
#include "httpsel.h"
#include "log.h"
#include "unit/t.h"

static struct httpsel sel;

static struct opt_list list(char **v)
{
	struct opt_list l = {.v = v};

	while (v[l.n])
		l.n++;
	return l;
}

static bool passes(const char *method, const char *url, const char *host)
{
	const struct httpsel_request r = {.method = method,
					  .url = url,
					  .host = host,
					  .method_len = strlen(method),
					  .url_len = strlen(url),
					  .host_len = host ? strlen(host) : 0};

	return httpsel_request(&sel, &r);
}

static bool path(const char *url)
{
	return passes("GET", url, "h");
}

static bool host(const char *h)
{
	return passes("GET", "/", h);
}

static void test_nothing(void)
{
	const struct httpsel_given given = {.max_text = 8};

	T_EQ(httpsel_init(&sel, &given), 0);
	T_OK(passes("GET", "/", NULL) && passes("", "", ""));
	T_OK(httpsel_status(&sel, 0) && httpsel_status(&sel, 200) && httpsel_status(&sel, 65535));
	httpsel_free(&sel);
	httpsel_free(&sel);
}

static void test_methods(void)
{
	char *v[] = {"GET", "PUT", NULL};
	const struct httpsel_given given = {.methods = list(v), .max_text = 8};

	T_EQ(httpsel_init(&sel, &given), 0);
	T_OK(passes("GET", "/", NULL) && passes("PUT", "/", NULL));
	T_OK(!passes("get", "/", NULL) && !passes("GETS", "/", NULL) && !passes("GE", "/", NULL) &&
	     !passes("", "/", NULL));
	httpsel_free(&sel);
}

static void test_paths(void)
{
	char *v[] = {"/", "/api/*", "*.js", NULL};
	const struct httpsel_given given = {.paths = list(v), .max_text = 16};

	T_EQ(httpsel_init(&sel, &given), 0);
	T_OK(path("/") && path("/?x") && path("/#x") && path("/api/?a=b.css") && path("/x.js?y"));
	T_OK(!path("/x") && !path("/API/") && !path("/x?y.js") && !path(""));
	/* The whole URL: its path alone counts, and an empty one is "/". */
	T_OK(path("http://h/api/x") && path("http://h") && path("http://h?q") &&
	     path("http://u:p@h/x.js"));
	T_OK(!path("http://host/x") && !path("http://h/b?a=/api/"));
	/* A CONNECT has none, and OPTIONS may ask for all. */
	T_OK(!path("h:443") && !path("*"));
	/* What is beyond max_text is not there. */
	T_OK(path("/12345678/012.js") && !path("/12345678/0123.js"));
	httpsel_free(&sel);
}

static void test_nul(void)
{
	char *v[] = {"/a", NULL};
	const struct httpsel_given given = {.paths = list(v), .max_text = 16};
	const struct httpsel_request r = {
		.method = "GET", .url = "/a\0b", .method_len = 3, .url_len = 4};

	T_EQ(httpsel_init(&sel, &given), 0);
	T_OK(!httpsel_request(&sel, &r));
	httpsel_free(&sel);
}

static void test_hosts(void)
{
	char *v[] = {"Shop.example", "*.test", "::1", NULL};
	const struct httpsel_given given = {.hosts = list(v), .max_text = 16};

	T_EQ(httpsel_init(&sel, &given), 0);
	T_OK(host("shop.example") && host("SHOP.example:80") && host("a.TEST") && host("[::1]") &&
	     host("[::1]:80"));
	T_OK(!host(NULL) && !host("") && !host("[") && !host("example") && !host(":80"));
	httpsel_free(&sel);
}

static void test_statuses(void)
{
	char *v[] = {"404", "5xx", "200-204", "1XX", NULL};
	const struct httpsel_given given = {.statuses = list(v), .max_text = 1};
	static const char *const bad[] = {"",	     "4",	"40",	   "4040",     "xx",
					  "0xx",     "099",	"-404",	   "404-",     "404-403",
					  "4xx-5xx", "200-20x", "200 204", "200-2044", "+40"};

	T_EQ(httpsel_init(&sel, &given), 0);
	for (unsigned i = 0; i < 1200; i++) {
		bool want = i == 404 || i / 100 == 5 || (i >= 200 && i <= 204) || i / 100 == 1;

		T_EQ(httpsel_status(&sel, i), want);
	}
	httpsel_free(&sel);
	for (size_t i = 0; i < sizeof(bad) / sizeof(*bad); i++) {
		char *one[] = {(char *)bad[i], NULL};
		const struct httpsel_given g = {.statuses = list(one), .max_text = 1};

		T_EQ(httpsel_init(&sel, &g), -EINVAL);
		T_OK(strstr(fail_text(-EINVAL), "--status"));
		httpsel_free(&sel);
	}
}

int main(void)
{
	test_nothing();
	test_methods();
	test_paths();
	test_nul();
	test_hosts();
	test_statuses();
	return t_done();
}
