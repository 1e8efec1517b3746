// SPDX-License-Identifier: GPL-2.0 OR BSD-2-Clause
/* Cases: requests and responses as they should be. */
#include "http.h"
#include "cases.h"

static const char *target(const char *what, const struct conn *c, int64_t i)
{
	static char s[128];

	snprintf(s, sizeof(s), "/%s/%u/%lld", what, c->id, (long long)i);
	return s;
}

static void small_answer(const struct conn *c, int64_t i)
{
	char s[64];
	int n = snprintf(s, sizeof(s), "this is answer %lld of connection %u\n", (long long)i,
			 c->id);

	answer("200 OK", s, n);
}

void build_get(struct conn *c)
{
	for (int64_t i = 0; i < opt.times; i++) {
		get(target("get", c, i));
		small_answer(c, i);
	}
}

void build_post(struct conn *c)
{
	for (int64_t i = 0; i < opt.times; i++) {
		char *s = text_of(opt.size, c->id * 1000 + i);

		post(target("post", c, i), s, opt.size);
		small_answer(c, i);
		free(s);
	}
}

void build_download(struct conn *c)
{
	for (int64_t i = 0; i < opt.times; i++) {
		char *s = text_of(opt.size, c->id * 1000 + i);

		get(target("download", c, i));
		answer("200 OK", s, opt.size);
		free(s);
	}
}

void build_echo(struct conn *c)
{
	for (int64_t i = 0; i < opt.times; i++) {
		char *s = text_of(opt.size, c->id * 1000 + i);

		post(target("echo", c, i), s, opt.size);
		answer("200 OK", s, opt.size);
		free(s);
	}
}

void build_late(struct conn *c)
{
	for (int64_t i = 0; i < opt.times; i++) {
		pause_ms(CLIENT, opt.ms);
		get(target("late", c, i));
		pause_ms(SERVER, opt.ms);
		small_answer(c, i);
	}
}

static void get_held(const char *url)
{
	request("GET %s HTTP/1.1", url);
	header("Host: load.example");
	head_end("none");
	end_message();
}

void build_pipeline(struct conn *c)
{
	for (int64_t i = 0; i < opt.times; i++)
		get_held(target("pipeline", c, i));
	go();
	for (int64_t i = 0; i < opt.times; i++)
		small_answer(c, i);
}

/* Two requests in one write; then one answer and half of the next, and the other half. */
void build_pipeline_half(struct conn *c)
{
	size_t half;

	for (int64_t i = 0; i < opt.times; i++) {
		get_held(target("first", c, i));
		get_held(target("second", c, i));
		go();
		for (int j = 0; j < 2; j++) {
			response("200 OK");
			header("Content-Length: 1000");
			head_end("length");
			half = pending() - 10;
			body(memset(alloca(1000), 'a' + j, 1000), 1000);
			end_message();
		}
		split_at(half);
		pause_ms(SERVER, opt.ms);
		go();
	}
	c->lockstep = true;
}

/* What filters by method, path, host and size tell apart. */
void build_methods(struct conn *c)
{
	static const char *const methods[] = {"GET",	 "POST",  "PUT",      "PATCH", "DELETE",
					      "OPTIONS", "TRACE", "PROPFIND", "BREW",  "get"};
	static const char *const hosts[] = {"one.example", "two.example:8080", "[::1]"};
	static const char *const paths[] = {"/", "/api/v1/users?id=1&x=%20", "/static/a.css",
					    "http://three.example/absolute", "/%C3%A9/\xc3\xa9"};
	size_t nmethods = sizeof(methods) / sizeof(*methods);

	for (int64_t i = 0; i < opt.times * (int64_t)nmethods; i++) {
		const char *method = methods[i % nmethods];
		bool has_body = method[0] == 'P';

		request("%s %s HTTP/1.1", method, strcmp(method, "OPTIONS") ? paths[i % 5] : "*");
		header("Host: %s", hosts[i % 3]);
		if (has_body)
			header("Content-Length: %zu", strlen(method));
		head_end(has_body ? "length" : "none");
		body(method, has_body ? strlen(method) : 0);
		end_message();
		go();
		small_answer(c, i);
	}
}

/*
 * Long methods before heads that are more than is copied unasked, and bodies whose pieces, each a
 * call of its own, begin as such a request does.
 */
void build_words(struct conn *c)
{
	static const char *const methods[] = {"VERSION-CONTROL", "BASELINE-CONTROL",
					      "A-METHOD-OF-THIRTY-TWO-LETTERS.."};
	static const char *const begins[] = {"GET /not-http HTTP\r\n\r\n", "a horse\r\n\r\n",
					     "UPDATEREDIRECTREF", "function(){}", "and  more"};
	const size_t size = 5000;
	char *s = malloc(size);

	for (int64_t i = 0; i < opt.times; i++) {
		request("%s %s HTTP/1.1", methods[i % 3], target("words", c, i));
		header("X-Long: %s", (char *)memset(memset(s, 0, size), 'l', 3000));
		head_end("none");
		end_message();
		go();
		response("200 OK");
		header("Content-Length: %zu", 5 * size);
		head_end("length");
		for (int j = 0; j < 5; j++) {
			memset(s, 'a' + j, size);
			memcpy(s, begins[j], strlen(begins[j]));
			split_at(pending());
			body(s, size);
		}
		end_message();
		go();
	}
	c->lockstep = true;
	free(s);
}

void build_statuses(struct conn *c)
{
	static const char *const statuses[] = {"200 OK",
					       "201 Created",
					       "301 Moved Permanently",
					       "400 Bad Request",
					       "404 Not Found",
					       "429 Too Many Requests",
					       "500 Internal Server Error",
					       "503 Service Unavailable",
					       "599 ",
					       "799 What \xc3\xa9 is this"};
	size_t n = sizeof(statuses) / sizeof(*statuses);

	for (int64_t i = 0; i < opt.times * (int64_t)n; i++) {
		get(target("status", c, i));
		answer(statuses[i % n], "status\n", 7);
	}
}

/* SECRET is what must not be seen in any output, unless it was asked for. */
#define SECRET "s3cr3t-VALUE-0123456789"
void build_secrets(struct conn *c)
{
	for (int64_t i = 0; i < opt.times; i++) {
		request("GET /public?token=" SECRET "&page=2&X-Amz-Signature=" SECRET "&sig=" SECRET
			"&access_token=" SECRET " HTTP/1.1");
		header("Host: load.example");
		header("Authorization: Bearer " SECRET);
		header("proxy-authorization: Basic " SECRET);
		header("Cookie: session=" SECRET "; theme=dark");
		header("X-Api-Key: " SECRET);
		header("Referer: http://user:" SECRET "@load.example/");
		header("X-Visible: plain");
		head_end("none");
		end_message();
		go();
		response("200 OK");
		header("Set-Cookie: session=" SECRET "; HttpOnly");
		header("Set-Cookie: other=" SECRET);
		header("X-Visible: plain");
		header("Content-Length: 7");
		head_end("length");
		body("public\n", 7);
		end_message();
		go();
		get("http://user:" SECRET "@load.example/userinfo");
		small_answer(c, i);
	}
}

/* --- heads of all sizes: bytes, and headers to make them of */
static const struct {
	const char *name;
	unsigned int bytes, headers;
} heads[] = {
	{"8k", 8 << 10, 4},	 {"8k+1", (8 << 10) + 1, 4}, {"60k", 60 << 10, 30},
	{"100k", 100 << 10, 40}, {"one-header", 30000, 1},   {"300-headers", 12000, 300},
};

unsigned int count_heads(void)
{
	return sizeof(heads) / sizeof(*heads);
}

/* The head goes on to the wanted size; what is there already is pending. */
static void pad_head(unsigned int which)
{
	size_t left = heads[which].bytes - pending() - 2;

	for (unsigned int i = 0; i < heads[which].headers; i++) {
		size_t each = left / (heads[which].headers - i);
		char name[32];
		int n = snprintf(name, sizeof(name), "X-%u: ", i);

		header("%s%.*s", name, (int)(each - n - 2),
		       (char *)memset(memset(alloca(each), 0, each), 'a' + i % 26, each - n - 2));
		left -= each;
	}
}

void build_heads(struct conn *c)
{
	const char *limit = heads[c->id].bytes > 65536 ? "head-limit" : "";

	c->name = heads[c->id].name;
	for (int64_t i = 0; i < opt.times; i++) {
		request("GET %s HTTP/1.1", target("heads", c, i));
		pad_head(c->id);
		head_end("none");
		odd(limit);
		end_message();
		go();
		response("200 OK");
		header("Content-Length: 2");
		pad_head(c->id);
		head_end("length");
		odd(limit);
		body("ok", 2);
		end_message();
		go();
	}
}

/* Writes of the sizes at which other tools give up, whole messages of exactly so many bytes. */
void build_sizes(struct conn *c)
{
	static const size_t sizes[] = {1024,  1025,  4096,  4097,  8192,  8193,	  16384, 16385,
				       30720, 30721, 65535, 65536, 65537, 122880, 122881};
	char url[64];

	for (size_t i = 0; i < sizeof(sizes) / sizeof(*sizes); i++) {
		char *s = noise_of(sizes[i], i);
		size_t head;

		snprintf(url, sizeof(url), "/sizes/%zu", sizes[i]);
		request("POST %s HTTP/1.1", url);
		head = pending() + strlen("Content-Length: 123456\r\n\r\n");
		header("Content-Length: %06zu", sizes[i] - head);
		head_end("length");
		body(s, sizes[i] - head);
		end_message();
		go();
		small_answer(c, i);
		free(s);
	}
}
