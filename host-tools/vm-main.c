// SPDX-License-Identifier: GPL-2.0-or-later
/* exitstat-vm: starts a VMM with a choice of its VMs' exit accounting. */
#include <elf.h>
#include <errno.h>
#include <fcntl.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/stat.h>
#include <sys/xattr.h>
#include <unistd.h>

#include <linux/kvm.h>

#include "vm-mode.h"

#ifndef VERSION_STRING
#define VERSION_STRING "unknown"
#endif

#define KVM_DEVICE	"/dev/kvm"

/* As env(1) and timeout(1) do, so that they do not look like the VMM's. */
#define STATUS_FAILED	125
#define STATUS_CANNOT	126
#define STATUS_NOT_FOUND 127

static const char help[] =
	"Usage: exitstat-vm MODE [--require] -- VMM [ARGUMENT]...\n"
	"Starts a VMM, such as QEMU, and chooses the VM-exit accounting of the virtual machines that it creates.\n"
	"\n"
	"MODE is:\n"
	"  off     the guest sees what any host answers, and nothing is counted\n"
	"  on      the guest, its unprivileged programs too, reads its VM exits\n"
	"  kernel  the guest's kernel reads them, its unprivileged programs do not\n"
	"\n"
	"  --require   if the choice cannot be made, do not start the VMM\n"
	"  --help      show this\n"
	"  --version   show the version\n"
	"\n"
	"Exit status: the VMM's; 125 usage, or --require and no choice, 126 the VMM cannot be started, 127 it was\n"
	"not found.";

__attribute__((format(printf, 2, 3))) static int fail(int status, const char *format, ...)
{
	va_list ap;

	fputs("exitstat-vm: ", stderr);
	va_start(ap, format);
	vfprintf(stderr, format, ap);
	va_end(ap);
	fputc('\n', stderr);
	return status;
}

/* Tries it on a VM without memory or vCPUs.  NULL, or the reason why not. */
static const char *try_mode(int mode)
{
	static char sentence[256];
	const char *why = NULL;
	int kvm, vm = -1;

	kvm = open(KVM_DEVICE, O_RDWR | O_CLOEXEC);
	if (kvm >= 0)
		vm = ioctl(kvm, KVM_CREATE_VM, 0);
	if (vm < 0) {
		snprintf(sentence, sizeof(sentence), "%s: %s", KVM_DEVICE, strerror(errno));
		why = sentence;
	} else {
		why = vm_mode_set(vm, mode);
		close(vm);
	}
	if (kvm >= 0)
		close(kvm);
	return why;
}

/* Does the program ask for the dynamic linker, which is what preloads?  Scripts' interpreters do. */
static bool is_static(int fd)
{
	Elf64_Ehdr ehdr;
	Elf64_Phdr phdr;
	int i;

	if (pread(fd, &ehdr, sizeof(ehdr), 0) != (ssize_t)sizeof(ehdr) || memcmp(ehdr.e_ident, ELFMAG, SELFMAG) ||
	    ehdr.e_ident[EI_CLASS] != ELFCLASS64)
		return false;
	for (i = 0; i < ehdr.e_phnum; i++)
		if (pread(fd, &phdr, sizeof(phdr), ehdr.e_phoff + (off_t)i * ehdr.e_phentsize) == (ssize_t)sizeof(phdr) &&
		    phdr.p_type == PT_INTERP)
			return false;
	return true;
}

/* A program for this processor's 32-bit mode: its dynamic linker passes over a 64-bit library. */
static bool is_32_bit(int fd)
{
	unsigned char ident[EI_NIDENT];

	return pread(fd, ident, sizeof(ident), 0) == (ssize_t)sizeof(ident) && !memcmp(ident, ELFMAG, SELFMAG) &&
	       ident[EI_CLASS] == ELFCLASS32;
}

/* NULL, or the reason why the dynamic linker will not preload into the program. */
static const char *why_no_preload(const char *path)
{
	const char *why = NULL;
	struct stat st;
	int fd = open(path, O_RDONLY | O_CLOEXEC);

	/* What cannot be read cannot be examined, but may well be executed. */
	if (fd < 0)
		return NULL;
	if (is_static(fd))
		why = "the VMM is statically linked: nothing can be preloaded into it";
	else if (is_32_bit(fd))
		why = "the VMM is a 32-bit program: nothing can be preloaded into it";
	else if (!fstat(fd, &st) && ((st.st_mode & S_ISUID && st.st_uid != geteuid()) ||
				     (st.st_mode & S_ISGID && st.st_gid != getegid())))
		why = "the VMM is set-user-id or set-group-id: nothing can be preloaded into it";
	else if (geteuid() && fgetxattr(fd, "security.capability", NULL, 0) > 0)
		why = "the VMM has file capabilities: nothing can be preloaded into it";
	close(fd);
	return why;
}

/* The file that execvp() would execute, or NULL. */
static char *find_program(const char *name)
{
	const char *path = getenv("PATH"), *end;
	char *file;

	if (strchr(name, '/'))
		return access(name, F_OK) ? NULL : strdup(name);
	for (; path && *path; path = *end ? end + 1 : end) {
		end = strchrnul(path, ':');
		if (asprintf(&file, "%.*s%s%s", (int)(end - path), path, end == path ? "./" : "/", name) < 0)
			return NULL;
		if (!access(file, X_OK))
			return file;
		free(file);
	}
	return NULL;
}

static int preload(const char *mode, bool require)
{
	const char *old = getenv("LD_PRELOAD");
	char *list;

	if (access(PRELOAD_LIBRARY, R_OK))
		return -1;
	if (asprintf(&list, "%s%s%s", PRELOAD_LIBRARY, old && *old ? ":" : "", old ? old : "") < 0)
		return -1;
	if (setenv("LD_PRELOAD", list, 1) || setenv(ENV_MODE, mode, 1) ||
	    (require ? setenv(ENV_REQUIRE, "1", 1) : unsetenv(ENV_REQUIRE)))
		return -1;
	free(list);
	return 0;
}

int main(int argc, char **argv)
{
	const char *mode = NULL, *why;
	bool require = false;
	char *program;
	int i;

	for (i = 1; i < argc && strcmp(argv[i], "--"); i++) {
		if (!strcmp(argv[i], "--help") || !strcmp(argv[i], "-h"))
			return puts(help) < 0 || fflush(stdout) ? STATUS_FAILED : 0;
		if (!strcmp(argv[i], "--version") || !strcmp(argv[i], "-V"))
			return puts("exitstat-vm " VERSION_STRING) < 0 || fflush(stdout) ? STATUS_FAILED : 0;
		if (!strcmp(argv[i], "--require"))
			require = true;
		else if (*argv[i] == '-' || mode)
			return fail(STATUS_FAILED, "cannot make sense of '%s' before the '--': try 'exitstat-vm --help'", argv[i]);
		else
			mode = argv[i];
	}
	if (!mode || i + 1 >= argc)
		return fail(STATUS_FAILED, "needs a mode, '--' and a VMM: try 'exitstat-vm --help'");
	if (vm_mode_parse(mode) < 0)
		return fail(STATUS_FAILED, "the mode is off, on or kernel, not '%s'", mode);
	argv += i + 1;

	program = find_program(argv[0]);
	if (!program)
		return fail(STATUS_NOT_FOUND, "%s: not found", argv[0]);
	why = try_mode(vm_mode_parse(mode));
	if (!why)
		why = why_no_preload(program);
	if (!why && preload(mode, require))
		why = PRELOAD_LIBRARY " cannot be loaded: install exitstat-host-tools again";
	if (why && require)
		return fail(STATUS_FAILED, "%s: not starting %s, as --require says", why, argv[0]);
	if (why)
		fail(0, "%s: starting %s unchanged", why, argv[0]);
	execv(program, argv);
	return fail(STATUS_CANNOT, "%s: %s", program, strerror(errno));
}
