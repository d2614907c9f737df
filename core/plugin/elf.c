/* elf.c - what a plugin's file says about itself, before any of its code is mapped anywhere.
 *
 * Read whole into memory (it is small, and capped), never mapped, so a file that changes meanwhile can at worst be
 * refused. Every offset in it is hostile: all access goes through at(), which checks both bounds. The libraries that it
 * needs come from the dynamic section; the exported symbol from the section headers when there are any (a file stripped
 * of them is judged by the loader). A plugin that would slip through still meets the sandbox, which lets nothing else
 * be opened: this is here for the clear message. */
#include "plugin/registry.h"

#include <elf.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>
#include "base/mem.h"

#define PLUGIN_MAX (64u << 20) /* bytes of a plugin's file */
#define NOBODY 65534           /* whom a worker of root becomes */
#define HEADERS_MAX 256        /* program or section headers */

#if defined(__x86_64__)
#define MACHINE EM_X86_64
#elif defined(__aarch64__)
#define MACHINE EM_AARCH64
#else
#error "add this machine's number"
#endif

/* File names up to the version. */
static const char *const permitted[] = {"libc.so.", "libm.so.", "libcjson.so.", "ld-linux-"};
static const char *const permitted_sanitized[] = {"libasan.so.", "libubsan.so."};

struct image {
	const char *path;
	char *bytes;
	size_t size;
	struct err *err;
};

static const void *
at(const struct image *m, uint64_t offset, uint64_t size)
{
	return offset <= m->size && size <= m->size - offset ? m->bytes + offset : NULL;
}

static const char *
string_at(const struct image *m, uint64_t offset)
{
	return offset < m->size && memchr(m->bytes + offset, 0, m->size - offset) ? m->bytes + offset : NULL;
}

static int
damaged(const struct image *m)
{
	return err_set(m->err, ERR_USAGE, "%s: the file is damaged: build or copy it again", m->path);
}

/* ---- reading ---- */

static int
readable_check(const struct image *m, const struct stat *st)
{
	bool nobody_may = (st->st_mode & S_IROTH) || (st->st_uid == NOBODY && (st->st_mode & S_IRUSR));

	if (!S_ISREG(st->st_mode))
		return err_set(m->err, ERR_USAGE, "%s: no regular file", m->path);
	if (st->st_size > PLUGIN_MAX)
		return err_set(m->err, ERR_USAGE, "%s: larger than %u bytes", m->path, PLUGIN_MAX);
	if (geteuid() == 0 && !nobody_may)
		return err_set(
		        m->err, ERR_USAGE,
		        "%s: may not be read by 'nobody', whom a worker becomes when the host is root: chmod a+r it",
		        m->path);
	return 0;
}

static int
image_read(struct image *m, int fd)
{
	struct stat st;
	ssize_t n;

	if (fstat(fd, &st))
		return err_set(m->err, ERR_HOST, "%s: %s", m->path, strerror(errno));
	if (readable_check(m, &st))
		return -1;
	m->bytes = xmalloc((size_t)st.st_size + 1);
	while (m->size < (size_t)st.st_size &&
	       (n = pread(fd, m->bytes + m->size, (size_t)st.st_size - m->size, (off_t)m->size)) > 0)
		m->size += (size_t)n;
	return m->size == (size_t)st.st_size ? 0 : err_set(m->err, ERR_HOST, "%s: cannot be read whole", m->path);
}

/* ---- judging ---- */

static int
header_check(const struct image *m, Elf64_Ehdr *header)
{
	const void *p = at(m, 0, sizeof *header);

	if (!p || memcmp(p, ELFMAG, SELFMAG))
		return err_set(m->err, ERR_USAGE, "%s: not a shared object (ELF)", m->path);
	memcpy(header, p, sizeof *header);
	if (header->e_ident[EI_CLASS] != ELFCLASS64 || header->e_ident[EI_DATA] != ELFDATA2LSB ||
	    header->e_machine != MACHINE)
		return err_set(m->err, ERR_USAGE,
		               "%s: built for another kind of machine (ELF machine %u, this one is %u)", m->path,
		               header->e_machine, MACHINE);
	if (header->e_type != ET_DYN)
		return err_set(m->err, ERR_USAGE, "%s: not a shared object: link it with -shared", m->path);
	if (header->e_phnum > HEADERS_MAX || header->e_phentsize != sizeof(Elf64_Phdr))
		return damaged(m);
	return 0;
}

static bool
segment(const struct image *m, const Elf64_Ehdr *header, size_t i, Elf64_Phdr *out)
{
	const void *p = i < header->e_phnum ? at(m, header->e_phoff + i * sizeof *out, sizeof *out) : NULL;

	if (p)
		memcpy(out, p, sizeof *out);
	return p != NULL;
}

/* Where in the file what is loaded at this address comes from; UINT64_MAX: nowhere. */
static uint64_t
file_offset(const struct image *m, const Elf64_Ehdr *header, uint64_t address)
{
	Elf64_Phdr s;

	for (size_t i = 0; segment(m, header, i, &s); i++)
		if (s.p_type == PT_LOAD && address >= s.p_vaddr && address - s.p_vaddr < s.p_filesz)
			return s.p_offset + (address - s.p_vaddr);
	return UINT64_MAX;
}

static bool
is_permitted(const char *library)
{
	for (size_t i = 0; i < LENGTH(permitted); i++)
		if (!strncmp(library, permitted[i], strlen(permitted[i])))
			return true;
	for (size_t i = 0; SLUICE_SANITIZED && i < LENGTH(permitted_sanitized); i++)
		if (!strncmp(library, permitted_sanitized[i], strlen(permitted_sanitized[i])))
			return true;
	return false;
}

static int
needed_check(const struct image *m, uint64_t strings, uint64_t name)
{
	const char *library = strings == UINT64_MAX || strings + name < strings ? NULL : string_at(m, strings + name);

	if (!library)
		return damaged(m);
	if (is_permitted(library))
		return 0;
	return err_set(m->err, ERR_USAGE,
	               "%s: needs %.100s, but a plugin can only have libc, libm and libcjson: link it statically, with "
	               "its symbols hidden",
	               m->path, library);
}

static int
dynamic_check(const struct image *m, const Elf64_Ehdr *header, const Elf64_Phdr *dynamic)
{
	uint64_t strings = UINT64_MAX;
	size_t n = dynamic->p_filesz / sizeof(Elf64_Dyn);
	const char *p = at(m, dynamic->p_offset, dynamic->p_filesz);
	Elf64_Dyn d;

	if (!p)
		return damaged(m);
	for (size_t i = 0; i < n; i++) {
		memcpy(&d, p + i * sizeof d, sizeof d);
		if (d.d_tag == DT_STRTAB)
			strings = file_offset(m, header, d.d_un.d_ptr);
	}
	for (size_t i = 0; i < n; i++) {
		memcpy(&d, p + i * sizeof d, sizeof d);
		if (d.d_tag == DT_NULL)
			break;
		if (d.d_tag == DT_NEEDED && needed_check(m, strings, d.d_un.d_val))
			return -1;
	}
	return 0;
}

/* ---- the exported constant ---- */

static bool
section(const struct image *m, const Elf64_Ehdr *header, size_t i, Elf64_Shdr *out)
{
	const void *p =
	        i < header->e_shnum && i < HEADERS_MAX ? at(m, header->e_shoff + i * sizeof *out, sizeof *out) : NULL;

	if (p)
		memcpy(out, p, sizeof *out);
	return p != NULL;
}

static bool
exports(const struct image *m, const Elf64_Shdr *symbols, const Elf64_Shdr *strings, const char *wanted)
{
	Elf64_Sym s;

	for (uint64_t i = 0; i < symbols->sh_size / sizeof s; i++) {
		const void *p = at(m, symbols->sh_offset + i * sizeof s, sizeof s);
		const char *name;

		if (!p)
			return false;
		memcpy(&s, p, sizeof s);
		name = string_at(m, strings->sh_offset + s.st_name);
		if (name && s.st_shndx != SHN_UNDEF && !strcmp(name, wanted))
			return true;
	}
	return false;
}

static int
export_check(const struct image *m, const Elf64_Ehdr *header)
{
	Elf64_Shdr symbols, strings;

	for (size_t i = 0; section(m, header, i, &symbols); i++) {
		if (symbols.sh_type != SHT_DYNSYM || !section(m, header, symbols.sh_link, &strings))
			continue;
		if (exports(m, &symbols, &strings, "sluice_connector"))
			return 0;
		return err_set(m->err, ERR_USAGE,
		               "%s: does not export sluice_connector: declare it as SLUICE_EXPORT const struct "
		               "sluice_connector sluice_connector",
		               m->path);
	}
	return 0;
}

static int
image_check(const struct image *m)
{
	Elf64_Ehdr header;
	Elf64_Phdr s;
	bool dynamic = false;

	if (header_check(m, &header))
		return -1;
	for (size_t i = 0; segment(m, &header, i, &s); i++) {
		if (s.p_type == PT_DYNAMIC && dynamic_check(m, &header, &s))
			return -1;
		dynamic |= s.p_type == PT_DYNAMIC;
	}
	return dynamic ? export_check(m, &header) : damaged(m);
}

int
elf_check(const char *path, int fd, struct err *err)
{
	struct image m = {.path = path, .err = err};
	int result = image_read(&m, fd) || image_check(&m) ? -1 : 0;

	free(m.bytes);
	return result;
}
