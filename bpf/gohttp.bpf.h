/* SPDX-License-Identifier: GPL-2.0-only */
#ifndef GOHTTP_BPF_H
#define GOHTTP_BPF_H
/*
 * What a net/http handler was asked, and what it answered, out of its arguments. Everything is read
 * from memory that may be anything: it is checked, and what does not look right is not reported.
 */

/*
 * Is there an *http.Request at p? Its method must be upper-case letters and its path begin with '/'
 * or '*'. Offsets: net/http.Request.Method 0, .URL 16, net/url.URL.Path 56, from Go 1.17 to 1.27.
 */
static __always_inline bool read_request(__u64 p, struct hl_request *r)
{
	struct {
		__u64 ptr, len;
	} s;
	__u64 url;

	if (bpf_probe_read_user(&s, sizeof(s), (void *)p) || !s.len || s.len > HL_METHOD)
		return false;
	if (bpf_probe_read_user(r->method, s.len & (2 * HL_METHOD - 1), (void *)s.ptr))
		return false;
	for (__u32 i = 0; i < HL_METHOD; i++) {
		if (i < s.len && (r->method[i] < 'A' || r->method[i] > 'Z'))
			return false;
	}
	if (bpf_probe_read_user(&url, sizeof(url), (void *)(p + 16)) ||
	    bpf_probe_read_user(&s, sizeof(s), (void *)(url + 56)))
		return false;
	r->path_len = s.len > 0xffff ? 0xffff : s.len;
	if (s.len > HL_PATH)
		s.len = HL_PATH;
	if (!s.len) /* the URL "*" of OPTIONS and an absolute URL without a path leave it empty */
		return true;
	if (bpf_probe_read_user(r->path, s.len & (2 * HL_PATH - 1), (void *)s.ptr))
		return false;
	return r->path[0] == '/' || r->path[0] == '*';
}

/* A path segment that names one object rather than a kind: a number, or a long hexadecimal id. */
static __always_inline bool segment_is_id(const struct hl_request *r)
{
	if (r->others || !r->digits)
		return false;
	return !r->hex || r->hex + r->digits >= 16;
}

/*
 * route = path with ids folded to {id}. The positions live in the map's memory: the verifier then
 * sees the same state after every byte and the loop costs it nothing.
 */
static __always_inline void fold_path(struct hl_request *r)
{
	for (int i = 0; i <= HL_ROUTE; i++) {
		char c = i < HL_ROUTE ? r->path[i] : 0;

		if (c == '/' || !c) {
			if (segment_is_id(r)) {
				r->route[r->seg & (HL_ROUTE - 1)] = '{';
				r->route[(r->seg + 1) & (HL_ROUTE - 1)] = 'i';
				r->route[(r->seg + 2) & (HL_ROUTE - 1)] = 'd';
				r->route[(r->seg + 3) & (HL_ROUTE - 1)] = '}';
				r->out = r->seg + 4;
			}
			if (!c)
				break;
			r->digits = r->others = r->hex = 0;
			r->seg = r->out + 1;
		} else if (c >= '0' && c <= '9') {
			r->digits++;
		} else if ((c >= 'a' && c <= 'f') || (c >= 'A' && c <= 'F') || c == '-') {
			r->hex++;
		} else {
			r->others = 1;
		}
		if (r->out < HL_ROUTE - 4)
			r->route[r->out & (HL_ROUTE - 1)] = c;
		r->out++;
	}
	/* What a folded segment left behind. */
	for (__u32 i = 0; i < HL_ROUTE; i++) {
		if (i >= r->out)
			r->route[i] = 0;
	}
}

/*
 * What became known while the handler ran. http.response has its request at 8: that tells it from
 * any other ResponseWriter (HTTP/2's, a middleware's), whose status is not read.
 */
static __always_inline void finish_request(const struct hl_frame *f, struct hl_request *r,
					   __u64 cookie)
{
	struct {
		__u64 ptr, len;
	} s = {};
	__u64 back = 0, status = 0, pat = 0;

	bpf_probe_read_user(&back, sizeof(back), (void *)(f->rw + 8));
	if (back == f->req) {
		bpf_probe_read_user(&status, sizeof(status),
				    (void *)(f->rw + (cookie & HL_F_STATUS_128 ? 128 : 120)));
		r->status = status <= 999 ? status : 0;
	}
	if (!aggregate)
		return;
	if (cookie & HL_F_PATTERN) {
		bpf_probe_read_user(&s, sizeof(s), (void *)(f->req + 232));
	} else if (cookie & HL_F_PAT) {
		bpf_probe_read_user(&pat, sizeof(pat), (void *)(f->req + 248));
		if (pat)
			bpf_probe_read_user(&s, sizeof(s), (void *)pat);
	}
	/* "/" catches whatever nothing else did: the folded path says more. */
	if (!s.ptr || s.len < 2)
		return;
	if (s.len > HL_ROUTE)
		s.len = HL_ROUTE;
	__builtin_memset(r->route, 0, sizeof(r->route));
	bpf_probe_read_user(r->route, s.len & (2 * HL_ROUTE - 1), (void *)s.ptr);
}
#endif
