// SPDX-License-Identifier: GPL-2.0 OR BSD-2-Clause
#include <errno.h>
#include <stdlib.h>
#include "pattern.h"
#include "unit/t.h"

static enum match match(const char *text, const char *name)
{
	struct pattern p;
	enum match m;

	if (pattern_init(&p, text))
		return MATCH_NONE;
	m = pattern_match(&p, name);
	pattern_free(&p);
	return m;
}

static void exact(void)
{
	T_EQ(match("main.list", "main.list"), MATCH_EXACT);
	T_EQ(match("main.list", "main.lists"), MATCH_NONE);
	T_EQ(match("main.(*API).list", "main.(*API).list"), MATCH_EXACT);
	T_EQ(match("main.Map[go.shape.int]", "main.Map[go.shape.int]"), MATCH_EXACT);
	T_EQ(match("main.main", "main.main.func1"), MATCH_NONE);
	T_EQ(match("gopkg.in/yaml.v3.Unmarshal", "gopkg.in/yaml%2ev3.Unmarshal"), MATCH_EXACT);
	T_EQ(match("gopkg.in/yaml%2ev3.Unmarshal", "gopkg.in/yaml%2ev3.Unmarshal"), MATCH_EXACT);
	T_EQ(match("gopkg.in/yaml.v3.*", "gopkg.in/yaml%2ev3.Unmarshal"), MATCH_GLOB);
	T_EQ(match("a", "a%2"), MATCH_NONE);
	T_EQ(match("a", "a%"), MATCH_NONE);
	T_EQ(match("aAB", "a%41%4"), MATCH_NONE);
	T_EQ(match("aAB", "a%41%42"), MATCH_EXACT);
	T_EQ(match("a%zz", "a%zz"), MATCH_EXACT);
}

static void shapes(void)
{
	T_EQ(match("main.Map[...]", "main.Map[go.shape.int,go.shape.string]"), MATCH_SHAPE);
	T_EQ(match("main.Map[...]", "main.Map[go.shape.[]int]"), MATCH_SHAPE);
	T_EQ(match("main.Map[...]", "main.Map[int].func1"), MATCH_NONE);
	T_EQ(match("main.Map[...].func1", "main.Map[int].func1"), MATCH_SHAPE);
	T_EQ(match("main.Map[...]", "main.Map"), MATCH_NONE);
	T_EQ(match("main.Map[...]", "main.Map[broken"), MATCH_SHAPE);
	T_EQ(match("main.(*G[...]).Get", "main.(*G[go.shape.int]).Get"), MATCH_SHAPE);
	T_EQ(match("main.(*G[...]).*", "main.(*G[go.shape.int]).Get"), MATCH_GLOB);
	T_EQ(match("main.(*G[...]).*", "main.(*H[go.shape.int]).Get"), MATCH_NONE);
}

static void globs(void)
{
	T_EQ(match("main.*", "main.(*API).list"), MATCH_GLOB);
	T_EQ(match("main.main*", "main.main.func1"), MATCH_GLOB);
	T_EQ(match("main.(*API).*", "main.(*API).list"), MATCH_GLOB);
	/* The star of a receiver is not a wildcard, the star of (*) is. */
	T_EQ(match("main.(*API).*", "main.(*OldAPI).list"), MATCH_NONE);
	T_EQ(match("main.(*API).list", "main.(*OldAPI).list"), MATCH_NONE);
	T_EQ(match("main.(*).list", "main.(*API).list"), MATCH_GLOB);
	T_EQ(match("h?ndle[r-t]", "handles"), MATCH_GLOB);
	T_EQ(match("", "x"), MATCH_NONE);
}

static void lists(void)
{
	struct pattern p[2];
	struct hits l = {};

	T_EQ(pattern_init(&p[0], ""), -EINVAL);
	T_EQ(pattern_init(&p[0], "a*"), 0);
	T_EQ(pattern_init(&p[1], "b"), 0);
	T_EQ(hits_add(&l, &p[0], &(struct hit){.addr = 9, .name = "ab", .match = MATCH_GLOB}), 0);
	T_EQ(hits_add(&l, &p[1],
		      &(struct hit){.addr = 5, .name = "b", .match = MATCH_EXACT, .pattern = 1}),
	     0);
	T_EQ(hits_add(&l, &p[0], &(struct hit){.addr = 7, .name = "ac", .match = MATCH_GLOB}), 0);
	T_EQ(l.n, 3);
	hits_settle(&l, p);
	T_EQ(l.v[0].addr, 5);
	T_EQ(l.v[1].addr, 7);
	T_STR(l.v[2].name, "ab");
	/*
	 * An exact match drops the pattern's globs, those before and those after; others keep
	 * theirs.
	 */
	T_EQ(hits_add(&l, &p[0], &(struct hit){.addr = 8, .name = "a*", .match = MATCH_EXACT}), 0);
	T_EQ(hits_add(&l, &p[0], &(struct hit){.addr = 1, .name = "ad", .match = MATCH_GLOB}), 0);
	hits_settle(&l, p);
	T_EQ(l.n, 2);
	T_STR(l.v[0].name, "b");
	T_STR(l.v[1].name, "a*");
	hits_free(&l);
	T_EQ(l.n, 0);
	pattern_free(&p[0]);
	pattern_free(&p[1]);
}

int main(void)
{
	exact();
	shapes();
	globs();
	lists();
	return t_done();
}
