/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef FILES_H
#define FILES_H

/*
 * Text to a file that is there, such as those of sysfs and tracefs; to its end, where it has one.  0, or -1 with errno
 * set.  A signal handler may call it.
 */
int write_file(const char *path, const char *text);

#endif
