/* SPDX-License-Identifier: GPL-2.0 OR BSD-2-Clause */
#ifndef HTTPSNIFF_FILE_H
#define HTTPSNIFF_FILE_H
/* The files of --har and --pcapng: made while there are privileges, written to without. */
#include <stdbool.h>
#include <stddef.h>

/*
 * Makes or empties path. Returns a descriptor, which is the caller's, or -errno with fail() text.
 * regular: it is a file that can be written at any place.
 */
int file_create(const char *path, bool *regular);
/* Writes all of it. 0 or -errno without text. */
int file_write(int fd, const void *data, size_t len);
#endif
