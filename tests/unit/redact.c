// SPDX-License-Identifier: GPL-2.0 OR BSD-2-Clause
/* Which names are secret, and the whole values that the parser hands over. */
#include <errno.h>
#include <stdlib.h>
#include "log.h"
#include "redact_int.h"
#include "unit/t.h"

static struct redact none;

/* A header's value masked, in a buffer of just its size. */
static const char *header(const struct redact *r, const char *name, const char *value)
{
	static char out[512];
	size_t n = strlen(value), masked, stars = 0;
	char *copy = malloc(n + !n);

	memcpy(copy, value, n);
	masked = redact_header(r, name, strlen(name), copy, n);
	for (size_t i = 0; i < n; i++)
		stars += copy[i] == '*';
	T_EQ(masked, stars);
	memcpy(out, copy, n);
	out[n] = '\0';
	free(copy);
	return out;
}

static const char *url(const struct redact *r, const char *target)
{
	static char out[512];
	size_t n = strlen(target);
	char *copy = malloc(n + !n);

	memcpy(copy, target, n);
	redact_url(r, copy, n);
	memcpy(out, copy, n);
	out[n] = '\0';
	free(copy);
	return out;
}

static void test_names(void)
{
	static const char *const secret[] = {"accesskey",
					     "accesskeyid",
					     "apikey",
					     "assertion",
					     "credential",
					     "credentials",
					     "jwt",
					     "passphrase",
					     "passwd",
					     "password",
					     "privatekey",
					     "pwd",
					     "secret",
					     "secretkey",
					     "sessionid",
					     "signature",
					     "token",
					     "auth",
					     "bearer",
					     "hmac",
					     "idtokenhint",
					     "key",
					     "otp",
					     "pass",
					     "passcode",
					     "phpsessid",
					     "pin",
					     "samlresponse",
					     "session",
					     "sid",
					     "sig",
					     "ticket",
					     "access_token",
					     "id_token",
					     "refreshToken",
					     "api_key",
					     "Api-Key",
					     "client_secret",
					     "X-Amz-Signature",
					     "X-Amz-Credential",
					     "X-Amz-Security-Token",
					     "AWSAccessKeyId",
					     "Signature",
					     "X-Goog-Signature",
					     "user[password]",
					     "token[]",
					     "JSESSIONID",
					     "KEY",
					     "to.ken",
					     "a-very-long-name-of-more-than-32-letters-token"};
	static const char *const open[] = {
		"k",	  "keys",      "keyword", "monkey",
		"tokens", "tokenizer", "passage", "signatures",
		"page",	  "q",	       "id",	  "sid2",
		"assig",  "spin",      "code",	  "state",
		"design", "en",	       "ey",	  "a-very-long-name-of-more-than-32-letters-sid"};
	char text[100], want[100];

	for (size_t i = 0; i < sizeof(secret) / sizeof(*secret); i++) {
		snprintf(text, sizeof(text), "/?a=1&%s=abc&b=2", secret[i]);
		snprintf(want, sizeof(want), "/?a=1&%s=***&b=2", secret[i]);
		T_STR(url(&none, text), want);
		T_STR(header(&none, secret[i], "abc d"), "*** *");
	}
	for (size_t i = 0; i < sizeof(open) / sizeof(*open); i++) {
		snprintf(text, sizeof(text), "/?a=1&%s=abc&b=2", open[i]);
		T_STR(url(&none, text), text);
		T_STR(header(&none, open[i], "abc d"), "abc d");
	}
}

static void test_added(void)
{
	struct redact r = {};

	T_EQ(redact_add_header(&r, "X-My-Thing"), 0);
	T_EQ(redact_add_header(&r, "Other"), 0);
	T_EQ(redact_add_param(&r, "user_id"), 0);
	T_EQ(redact_add_param(&r, "12345678901234567890123456789012"), 0);
	T_STR(header(&r, "x-my-thing", "abc"), "***");
	T_STR(header(&r, "Other", "abc"), "***");
	T_STR(header(&r, "Another", "abc"), "abc");
	T_STR(header(&r, "user_id", "abc"), "abc");
	T_STR(url(&r, "/?USERID=7&id=8&other=9"), "/?USERID=*&id=8&other=9");
	T_STR(url(&r, "/?12345678901234567890123456789012=7"),
	      "/?12345678901234567890123456789012=*");
	T_STR(url(&r, "/?012345678901234567890123456789012=7"),
	      "/?012345678901234567890123456789012=7");
	T_STR(url(&r, "/?key=7"), "/?key=*");
	T_EQ(redact_add_param(&r, "123456789012345678901234567890123"), -EINVAL);
	T_STR(fail_text(-EINVAL), "'123456789012345678901234567890123' cannot be masked: a name "
				  "has 1 to 32 letters or digits");
	T_EQ(redact_add_header(&r, ""), -EINVAL);
	T_EQ(redact_add_header(&r, "--"), -EINVAL);
	T_EQ(r.nheaders, 2);
	T_EQ(r.nparams, 2);
	redact_free(&r);
	T_OK(!r.headers && !r.nparams);
	T_STR(header(&r, "Other", "abc"), "abc");
}

static void test_kinds(void)
{
	T_STR(header(&none, "Authorization", "Basic dXNlcjpwYXNz"), "Basic ************");
	T_STR(header(&none, "Authorization", "Basic"), "*****");
	T_STR(header(&none, "Authorization", "Token "), "***** ");
	T_STR(header(&none, "AUTHORIZATION ", "Bearer a.b.c"), "Bearer *****");
	T_STR(header(&none, "Proxy-Authorization", "Digest username=\"a\", uri=\"/\""),
	      "Digest ************* *******");
	T_STR(header(&none, "X-Forwarded-Authorization", "Basic ab"), "Basic **");
	T_STR(header(&none, "Cookie", "a=b; c=d"), "a=*; c=*");
	T_STR(header(&none, "Set-Cookie", "a=b; Path=/"), "a=*; Path=/");
	T_STR(header(&none, "Set-Cookie2", "a=b; Path=/"), "a=*; Path=/");
	T_STR(header(&none, "Cookie2", "$Version=1"), "$Version=*");
	T_STR(header(&none, "X-Api-Key", "k-e y\t1"), "*** *\t*");
	T_STR(header(&none, "X-Vault-Token", "t"), "*");
	T_STR(header(&none, "Content-Type", "text/html; charset=utf-8"),
	      "text/html; charset=utf-8");
	T_STR(header(&none, "Referer", "https://h/?token=ab&x=1"), "https://h/?token=**&x=1");
	T_STR(header(&none, "X-Query", "sig=ab"), "sig=**");
	T_STR(url(&none, "u:p@h:443"), "***@h:443");
	T_STR(header(&none, "", "abc"), "abc");
	T_STR(header(&none, "Cookie", ""), "");
}

int main(void)
{
	test_names();
	test_added();
	test_kinds();
	return t_done();
}
