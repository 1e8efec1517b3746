// SPDX-License-Identifier: GPL-2.0 OR BSD-2-Clause
#include <stdlib.h>
#include "redact_int.h"
#include "unit/t.h"

static const struct redact none;

static const struct {
	enum redact_kind kind;
	const char *in, *want;
} cases[] = {
	{REDACT_ALL, "a b\tc", "* *\t*"},
	{REDACT_ALL, "a\r\n b\rc\n d", "*\r\n *\r*\n *"},
	{REDACT_AUTH, "Basic dXNlcg==", "Basic ********"},
	{REDACT_AUTH, "basic\tdXNlcg==", "basic\t********"},
	{REDACT_AUTH, "  Bearer  a.b ", "  Bearer  *** "},
	{REDACT_AUTH, "\r\n Bearer a", "\r\n Bearer *"},
	{REDACT_AUTH, "AWS4-HMAC-SHA256 Credential=a/b, Signature=c",
	 "AWS4-HMAC-SHA256 *************** ***********"},
	/* The whole value may be the secret, and so may a first word that is no scheme. */
	{REDACT_AUTH, "Basic", "*****"},
	{REDACT_AUTH, "secret", "******"},
	{REDACT_AUTH, "correct horse", "******* *****"},
	{REDACT_AUTH, "Basic, x", "****** *"},
	{REDACT_AUTH, "Bearer Bearer Basic x", "Bearer ****** ***** *"},
	{REDACT_AUTH, "", ""},
	{REDACT_COOKIE, "a=b", "a=*"},
	{REDACT_COOKIE, "a=b; cd=ef=gh ;i=", "a=*; cd=***** ;i="},
	{REDACT_COOKIE, "nameless", "********"},
	{REDACT_COOKIE, "a=b; nameless; c=d", "a=*; ********; c=*"},
	{REDACT_COOKIE, "=v; a", "=*; *"},
	{REDACT_COOKIE, ";;a=b;", ";;a=*;"},
	{REDACT_COOKIE, "a=\"b;c=d\"; e=f", "a=*******; e=*"},
	{REDACT_COOKIE, "a=\"b;c=d", "a=******"},
	{REDACT_COOKIE, "a=b\";c=d", "a=**;c=*"},
	{REDACT_COOKIE, "a=\"b\"\";c=d", "a=****;c=*"},
	{REDACT_COOKIE, "a=b\r\n c; d=e", "a=*\r\n *; d=*"},
	{REDACT_COOKIE, "a=b\rc: d", "a=*\r** *"},
	{REDACT_COOKIE, "a= b c", "a= * *"},
	{REDACT_SET_COOKIE, "id=ab; Path=/x; HttpOnly; secure ;SameSite=Lax",
	 "id=**; Path=/x; HttpOnly; secure ;SameSite=Lax"},
	{REDACT_SET_COOKIE, "id=ab; Expires=Wed, 21 Oct 2026 07:28:00 GMT; Max-Age=5",
	 "id=**; Expires=Wed, 21 Oct 2026 07:28:00 GMT; Max-Age=5"},
	{REDACT_SET_COOKIE, "id=Path; Domain=a.test", "id=****; Domain=a.test"},
	{REDACT_SET_COOKIE, "ab; Path=/", "**; Path=/"},
	{REDACT_SET_COOKIE, "Path=/; Path=/", "Path=*; Path=/"},
	{REDACT_SET_COOKIE, "a=b; unknown; other=value; Path=/",
	 "a=*; *******; other=*****; Path=/"},
	{REDACT_SET_COOKIE, "a=b; Securely; Paths=/", "a=*; ********; Paths=*"},
	{REDACT_SET_COOKIE, "a=b; Path=/, c=d; Secure", "a=*; Path=/, c=*; Secure"},
	{REDACT_SET_COOKIE, "a=b; Secure, c=d", "a=*; Secure, c=*"},
	{REDACT_SET_COOKIE, "a=\"b; Path=c\"; Path=/", "a=*** *******; Path=/"},
	{REDACT_SET_COOKIE, "a=b; Path", "a=*; Path"},
	{REDACT_SET_COOKIE, "a=b; xPath=c; xSecure", "a=*; xPath=*; *******"},
	{REDACT_SET_COOKIE, "a=b;\r\n Path=/", "a=*;\r\n Path=/"},
	/* To some readers what is behind a line end is a header, whatever is before it. */
	{REDACT_TEXT, "a\r\n b: c", "a\r\n b: c"},
	{REDACT_TEXT, "a\r\n Authorization : Basic x", "a\r\n Authorization : Basic *"},
	{REDACT_TEXT, "a\rCookie: a=b; c", "a\rCookie: a=*; *"},
	{REDACT_TEXT, "a\nX-Api-Key:b\n c: d", "a\nX-Api-Key:*\n ** *"},
	{REDACT_TEXT, "a\r\n b\r\n Cookie: c=d", "a\r\n b\r\n Cookie: c=*"},
	{REDACT_TEXT, "/?token=a\r\n b: c", "/?token=*\r\n ** *"},
	{REDACT_TEXT, "/?a=b\r\n &token=c", "/?a=b\r\n &token=*"},
	{REDACT_TEXT, "a: b\r\nhttp://u:p@h/: c", "a: b\r\nhttp://***@h/: c"},
};

static void in_pieces(enum redact_kind kind, const char *in, char *out, size_t n)
{
	size_t len = strlen(in), masked = 0, stars = 0;
	struct redact_value v;

	redact_value_start(&v, kind);
	for (size_t i = 0; i < len; i += n) {
		size_t piece = n < len - i ? n : len - i;
		char *copy = malloc(piece);

		memcpy(copy, in + i, piece);
		masked += redact_value_feed(&v, &none, copy, piece, i + piece == len);
		memcpy(out + i, copy, piece);
		free(copy);
	}
	out[len] = '\0';
	for (size_t i = 0; i < len; i++)
		stars += out[i] == '*';
	T_OK(masked == stars || strchr(in, '*'));
}

int main(void)
{
	char out[256];

	for (size_t c = 0; c < sizeof(cases) / sizeof(*cases); c++) {
		const char *in = cases[c].in, *want = cases[c].want;
		size_t len = strlen(in);
		bool fine = true;

		in_pieces(cases[c].kind, in, out, len + 1);
		T_STR(out, want);
		/* In pieces nothing shows that is masked in the whole. */
		for (size_t n = 1; n < len; n++) {
			in_pieces(cases[c].kind, in, out, n);
			for (size_t i = 0; i < len; i++)
				fine &= out[i] == '*' || (out[i] == in[i] && want[i] != '*');
		}
		T_OK(fine);
		if (!fine)
			T_STR(out, want);
		/* Masking what is masked changes nothing. */
		in_pieces(cases[c].kind, want, out, len + 1);
		T_STR(out, want);
	}
	return t_done();
}
