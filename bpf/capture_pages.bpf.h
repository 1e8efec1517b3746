/* SPDX-License-Identifier: GPL-2.0-only */
#ifndef CAPTURE_PAGES_BPF_H
#define CAPTURE_PAGES_BPF_H
/*
 * What sendfile() and io_uring send may be pages that are mapped nowhere but where the kernel has
 * all memory.
 */
#include "capture_calls.bpf.h"

/*
 * Where are pages? x86-64 has variables for it where it places them at random, else one of two
 * fixed layouts. Whatever is found is tried on this task's stack: is the same there as where the
 * stack is mapped? Runs once, at the start; 1: it is.
 */
static __always_inline bool pages_are_at(__u64 pages, __u64 map)
{
	struct task_struct *t = (void *)bpf_get_current_task();
	__u64 page = (__u64)BPF_CORE_READ(t, stack_vm_area, pages), size;
	__u64 stack = (__u64)BPF_CORE_READ(t, stack), here[4] = {}, there[4] = {};

	size = bpf_core_type_size(struct page);
	if (!size || bpf_probe_read_kernel(&page, sizeof(page), (void *)page) ||
	    bpf_probe_read_kernel(here, sizeof(here), (void *)stack) ||
	    bpf_probe_read_kernel(there, sizeof(there),
				  (void *)(map + (page - pages) / size * 4096)))
		return false;
	/* The lowest word of a stack is a mark that the kernel holds against overflows. */
	return here[0] && here[0] == there[0] && here[1] == there[1] && here[2] == there[2] &&
	       here[3] == there[3];
}

static __always_inline int set_pages(__u64 pages, __u64 map)
{
	if (!pages_are_at(pages, map))
		return 0;
	vmemmap_at = pages;
	direct_map_at = map;
	return 1;
}

SEC("syscall")
int find_pages(void *ctx)
{
#if defined(__TARGET_ARCH_x86)
	static const char pages_name[] = "vmemmap_base", map_name[] = "page_offset_base";
	__u64 at = 0, pages = 0, map = 0;

	if (!bpf_kallsyms_lookup_name(map_name, sizeof(map_name), 0, &at) &&
	    !bpf_probe_read_kernel(&map, sizeof(map), (void *)at) &&
	    !bpf_kallsyms_lookup_name(pages_name, sizeof(pages_name), 0, &at) &&
	    !bpf_probe_read_kernel(&pages, sizeof(pages), (void *)at))
		return set_pages(pages, map);
	/* Documentation/arch/x86/x86_64/mm.rst: four and five levels of page tables */
	return set_pages(0xffffea0000000000ULL, 0xffff888000000000ULL) ||
	       set_pages(0xffd4000000000000ULL, 0xff11000000000000ULL);
#else
	return 0;
#endif
}
#endif
