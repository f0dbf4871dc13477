// When support of an operating system ends: os-release ID and VERSION_ID, end of regular and of extended support.
// PROVENANCE: facts from endoflife.date (github.com/endoflife-date/endoflife.date, MIT, commit a70eca337600e7d721dc48112c271f98661d208b
// of 2026-08-22): `eol` and `eoes` of the cycles that ended in 2015 or later. An empty second date means that there is none.
// Rolling releases (Arch, openSUSE Tumbleweed, Debian unstable) have no end and no row.

export const EOL_SOURCE = 'endoflife.date 2026-08-22';

export const EOL_FACTS = `
debian 7 2016-04-25 2018-05-31
debian 8 2018-06-17 2020-06-30
debian 9 2020-07-18 2022-07-01
debian 10 2022-09-10 2024-06-30
debian 11 2024-08-14 2026-08-31
debian 12 2026-07-11 2028-06-30
debian 13 2028-08-09 2030-06-30
ubuntu 12.04 2017-04-28 2019-04-26
ubuntu 14.04 2019-04-02 2024-04-02
ubuntu 14.10 2015-07-23
ubuntu 15.04 2016-02-04
ubuntu 15.10 2016-07-28
ubuntu 16.04 2021-04-02 2026-04-02
ubuntu 16.10 2017-07-20
ubuntu 17.04 2018-01-13
ubuntu 17.10 2018-07-19
ubuntu 18.04 2023-05-31 2028-04-01
ubuntu 18.10 2019-07-18
ubuntu 19.04 2020-01-23
ubuntu 19.10 2020-07-06
ubuntu 20.04 2025-05-31 2030-04-02
ubuntu 20.10 2021-07-22
ubuntu 21.04 2022-01-20
ubuntu 21.10 2022-07-14
ubuntu 22.04 2027-04-01 2032-04-09
ubuntu 22.10 2023-07-20
ubuntu 23.04 2024-01-20
ubuntu 23.10 2024-07-12
ubuntu 24.04 2029-05-31 2036-05-31
ubuntu 24.10 2025-07-10
ubuntu 25.04 2026-01-17
ubuntu 25.10 2026-07-01
ubuntu 26.04 2031-04-30 2036-04-30
rhel 5 2017-03-31 2020-11-30
rhel 6 2020-11-30 2024-06-30
rhel 7 2024-06-30 2029-05-31
rhel 8 2029-05-31 2033-05-31
rhel 9 2032-05-31 2036-05-31
rhel 10 2035-05-31 2039-05-31
almalinux 8 2029-05-31
almalinux 9 2032-05-31
almalinux 10 2035-05-31
rocky 8 2029-05-31
rocky 9 2032-05-31
rocky 10 2035-05-31
fedora 19 2015-01-06
fedora 20 2015-06-23
fedora 21 2015-12-01
fedora 22 2016-07-19
fedora 23 2016-12-20
fedora 24 2017-08-08
fedora 25 2017-12-12
fedora 26 2018-05-29
fedora 27 2018-11-30
fedora 28 2019-05-28
fedora 29 2019-11-26
fedora 30 2020-05-26
fedora 31 2020-11-24
fedora 32 2021-05-25
fedora 33 2021-11-30
fedora 34 2022-06-07
fedora 35 2022-12-13
fedora 36 2023-05-16
fedora 37 2023-12-05
fedora 38 2024-05-21
fedora 39 2024-11-26
fedora 40 2025-05-13
fedora 41 2025-12-15
fedora 42 2026-05-27
fedora 43 2026-12-09
fedora 44 2027-06-02
opensuse-leap 12.3 2015-01-29
opensuse-leap 13.1 2016-02-03
opensuse-leap 13.2 2017-01-17
opensuse-leap 15.0 2019-12-03
opensuse-leap 15.1 2021-02-02
opensuse-leap 15.2 2022-01-04
opensuse-leap 15.3 2022-12-31
opensuse-leap 15.4 2023-12-07
opensuse-leap 15.5 2024-12-31
opensuse-leap 15.6 2026-04-30
opensuse-leap 16.0 2027-10-31
opensuse-leap 42.1 2017-05-17
opensuse-leap 42.2 2018-01-26
opensuse-leap 42.3 2019-07-01
sles 11.3 2016-01-31 2019-01-30
sles 11.4 2019-03-31 2022-03-31
sles 12.0 2016-06-30 2019-07-01
sles 12.1 2017-05-31 2020-05-31
sles 12.2 2018-03-31 2021-03-31
sles 12.3 2019-06-30 2022-06-30
sles 12.4 2020-06-30 2023-06-30
sles 12.5 2024-10-31 2027-10-31
sles 15.0 2019-12-31 2022-12-31
sles 15.1 2021-01-31 2024-01-31
sles 15.2 2021-12-31 2024-12-31
sles 15.3 2022-12-31 2025-12-31
sles 15.4 2023-12-31 2026-12-31
sles 15.5 2024-12-31 2027-12-31
sles 15.6 2025-12-31 2028-12-31
sles 15.7 2031-07-31 2034-07-31
sles 16.0 2027-11-30 2030-11-30
alpine 2.6 2015-05-01
alpine 2.7 2015-11-01
alpine 3.0 2016-05-01
alpine 3.1 2016-11-01
alpine 3.2 2017-05-01
alpine 3.3 2017-11-01
alpine 3.4 2018-05-01
alpine 3.5 2018-11-01
alpine 3.6 2019-05-01
alpine 3.7 2019-11-01
alpine 3.8 2020-05-01
alpine 3.9 2020-11-01
alpine 3.10 2021-05-01
alpine 3.11 2021-11-01
alpine 3.12 2022-05-01
alpine 3.13 2022-11-01
alpine 3.14 2023-05-01
alpine 3.15 2023-11-01
alpine 3.16 2024-05-23
alpine 3.17 2024-11-22
alpine 3.18 2025-05-09
alpine 3.19 2025-11-01
alpine 3.20 2026-04-01
alpine 3.21 2026-11-01
alpine 3.22 2027-05-01
alpine 3.23 2027-11-01
alpine 3.24 2028-06-01
`;
