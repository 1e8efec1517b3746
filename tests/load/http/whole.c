// SPDX-License-Identifier: GPL-2.0 OR BSD-2-Clause
/* Whole messages, and bytes to put into them: script.h. */
#include "http.h"

void get(const char *target)
{
	request("GET %s HTTP/1.1", target);
	header("Host: load.example");
	head_end("none");
	end_message();
	go();
}

void answer(const char *status, const void *p, size_t n)
{
	response("%s", status);
	header("Content-Type: text/plain");
	header("Content-Length: %zu", n);
	head_end(n ? "length" : "none");
	body(p, n);
	end_message();
	go();
}

void post(const char *target, const void *p, size_t n)
{
	request("POST %s HTTP/1.1", target);
	header("Host: load.example");
	header("Content-Type: application/octet-stream");
	header("Content-Length: %zu", n);
	head_end(n ? "length" : "none");
	body(p, n);
	end_message();
	go();
}

unsigned int next_random(unsigned int *seed)
{
	unsigned int x = *seed ?: 2463534242u;

	x ^= x << 13;
	x ^= x >> 17;
	x ^= x << 5;
	return *seed = x;
}

char *text_of(size_t n, unsigned int seed)
{
	static const char letters[] = "abcdefghijklmnopqrstuvwxyz 0123456789 ABCDEFGHIJKLMNOPQR \n";
	char *s = need(malloc(n + 1));

	seed = seed * 2654435761u + 1;
	for (size_t i = 0; i < n; i++)
		s[i] = letters[next_random(&seed) % (sizeof(letters) - 1)];
	s[n] = '\0';
	return s;
}

char *noise_of(size_t n, unsigned int seed)
{
	char *s = need(malloc(n + 1));

	seed = seed * 2654435761u + 7;
	for (size_t i = 0; i < n; i++)
		s[i] = next_random(&seed) >> 11;
	s[n] = '\0';
	return s;
}
