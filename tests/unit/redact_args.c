// SPDX-License-Identifier: GPL-2.0 OR BSD-2-Clause
#include "unit/t.h"
#include "redact.h"
#include <string.h>

/* Blanks stand for NULs. '_' within an argument stands for a blank. */
static const char *masked(const char *args)
{
	static const struct redact none;
	static char buf[300];
	size_t n = strlen(args);

	for (size_t i = 0; i <= n; i++)
		buf[i] = args[i] == ' ' ? 0 : args[i] == '_' ? ' ' : args[i];
	redact_args(&none, buf, n);
	for (size_t i = 0; i < n; i++)
		buf[i] = buf[i] ? (buf[i] == ' ' ? '_' : buf[i]) : ' ';
	return buf;
}

int main(void)
{
	static const char *const same[] = {
		"nginx: -g daemon_off;",
		"curl -s http://a/b?x=1",
		"curl -H Host:_a http://b/",
		"python3 -m http.server 8080",
		"",
		"a",
		"curl -H",
		"prog --port 80 -u",
		"x -u root",
		"ssh -p 22 host",
	};
	static const char *const secret[][2] = {
		{"curl -H Authorization:_Basic_abcdef http://a/",
		 "curl -H Authorization:_Basic_****** http://a/"},
		{"curl -HX-Api-Key:_abc", "curl -HX-Api-Key:_***"},
		{"curl -u me:pass http://a/", "curl -u me:**** http://a/"},
		{"curl --user me:pass", "curl --user me:****"},
		{"curl -ume:pass", "curl -ume:****"},
		{"curl http://me:pass@a/?token=abc&x=1", "curl http://*******@a/?token=***&x=1"},
		{"x --password=abc", "x --password=***"},
		{"x --password abc", "x --password ***"},
		{"x --api-key abc -v", "x --api-key *** -v"},
		{"x password=abc", "x password=***"},
	};

	for (size_t i = 0; i < sizeof(same) / sizeof(*same); i++)
		T_STR(masked(same[i]), same[i]);
	for (size_t i = 0; i < sizeof(secret) / sizeof(*secret); i++)
		T_STR(masked(secret[i][0]), secret[i][1]);
	return t_done();
}
