//! The load profiles with their figures (docs/spec/rounds.md section 5), and what options and environment change of them.

use super::options::LoadOptions;
use crate::commands::CommandError;
use crate::config::StressSettings;

/// A named load.
#[derive(Clone, Copy, Debug, PartialEq, Eq, clap::ValueEnum)]
pub enum ProfileName {
    /// 5000 fresh wallets join in one window.
    Entries,
    /// 5000 entries over as many windows as it takes.
    Sustained,
    /// 4500 entries in one window; all wallets are read 3 s after the end.
    Settlement,
    /// Stages of 5000, 20000 and 50000 entries, at most 3800 in one window.
    Staged,
    /// As settlement, reading in batches.
    AllWallets,
}

/// A load with all its figures; milliseconds unless said otherwise.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Profile {
    /// The name in reports.
    pub name: &'static str,
    /// Entries of each stage.
    pub stages: Vec<usize>,
    /// Entries sent in one window, over all markets, at most.
    pub window_max: usize,
    /// Whether everything has to be sent in the first window.
    pub is_one_window: bool,
    /// Joins in flight.
    pub join_workers: usize,
    /// Reads in flight.
    pub read_workers: usize,
    /// For one request.
    pub timeout_ms: u64,
    /// A window is begun only with more than this left.
    pub begin_buffer_ms: i64,
    /// Nothing is sent in the last part of a window.
    pub stop_buffer_ms: i64,
    /// From the end to the reading.
    pub grace_ms: i64,
    /// Wallets that are read.
    pub read_max: usize,
    /// Wallets in one batch of reads.
    pub batch_size: usize,
    /// Between batches.
    pub batch_delay_ms: i64,
    /// Wallets that are read twice.
    pub reread_max: usize,
    /// Before the second reading.
    pub recheck_delay_ms: i64,
}

/// A window that is joined whole must not be nearly over.
const WHOLE_WINDOW_MS: i64 = 25_000;
/// More is not a load of one host but a mistake.
const ENTRIES_MAX: usize = 10_000_000;
const WORKERS_MAX: usize = 4_096;

impl ProfileName {
    /// The figures of the specification.
    fn preset(self) -> Profile {
        let usual = Profile {
            name: "entries",
            stages: vec![5_000],
            window_max: usize::MAX,
            is_one_window: true,
            join_workers: 120,
            read_workers: 250,
            timeout_ms: 10_000,
            begin_buffer_ms: WHOLE_WINDOW_MS,
            stop_buffer_ms: 0,
            grace_ms: 3_000,
            read_max: usize::MAX,
            batch_size: usize::MAX,
            batch_delay_ms: 250,
            reread_max: usize::MAX,
            recheck_delay_ms: 600,
        };
        let settlement = Profile {
            name: "settlement",
            stages: vec![4_500],
            join_workers: 700,
            timeout_ms: 12_000,
            stop_buffer_ms: 5_000,
            ..usual.clone()
        };
        match self {
            ProfileName::Entries => usual,
            ProfileName::Sustained => Profile {
                name: "sustained",
                is_one_window: false,
                join_workers: 250,
                begin_buffer_ms: 7_000,
                stop_buffer_ms: 7_000,
                ..usual
            },
            ProfileName::Settlement => settlement,
            ProfileName::Staged => Profile {
                name: "staged",
                stages: vec![5_000, 20_000, 50_000],
                window_max: 3_800,
                is_one_window: false,
                begin_buffer_ms: 7_000,
                stop_buffer_ms: 7_000,
                ..settlement
            },
            ProfileName::AllWallets => Profile { name: "all-wallets", batch_size: 250, ..settlement },
        }
    }

    /// Joins in flight, by the variable that this profile follows.
    fn workers(self, settings: &StressSettings) -> Option<u64> {
        match self {
            ProfileName::Entries => settings.concurrency,
            ProfileName::Sustained | ProfileName::Staged => settings.workers,
            ProfileName::Settlement | ProfileName::AllWallets => settings.entry_concurrency,
        }
    }
}

/// The profile with what the command line says, else the environment, else the specification.
pub fn profile(options: &LoadOptions, settings: &StressSettings) -> Result<Profile, CommandError> {
    let mut profile = options.profile.preset();
    let count = |option: Option<u64>, setting: Option<u64>, preset: usize| {
        option.or(setting).map_or(preset, |count| usize::try_from(count).unwrap_or(usize::MAX))
    };
    let at_least_one = |count: usize| count.max(1);
    let or_all = |count: usize| if count == 0 { usize::MAX } else { count };
    let ms = |option: Option<u64>, setting: Option<u64>, preset: i64| {
        option.or(setting).map_or(preset, |ms| i64::try_from(ms).unwrap_or(i64::MAX).min(86_400_000))
    };
    profile.stages = stages(options, settings, profile.stages)?;
    profile.window_max =
        at_least_one(count(options.per_round, settings.per_round_attempts, profile.window_max));
    let workers = count(options.concurrency, options.profile.workers(settings), profile.join_workers);
    profile.join_workers = workers.clamp(1, WORKERS_MAX);
    let workers = count(options.results_concurrency, settings.results_concurrency, profile.read_workers);
    profile.read_workers = workers.clamp(1, WORKERS_MAX);
    profile.timeout_ms = options.timeout_ms.or(settings.timeout_ms).unwrap_or(profile.timeout_ms).max(1);
    if let Some(buffer) = options.open_buffer_ms.or(settings.min_open_buffer_ms) {
        let buffer = i64::try_from(buffer).unwrap_or(i64::MAX);
        if !(0..60_000).contains(&buffer) {
            let text = "the open buffer lies below 60000 ms, which is how long a window is open";
            return Err(CommandError::Usage(text.to_owned()));
        }
        match options.profile {
            ProfileName::Entries => profile.begin_buffer_ms = buffer,
            _ => {
                profile.stop_buffer_ms = buffer;
                profile.begin_buffer_ms = profile.begin_buffer_ms.max(buffer);
            }
        }
    }
    profile.grace_ms = ms(options.grace_ms, settings.settle_grace_ms, profile.grace_ms);
    profile.read_max =
        or_all(count(options.results_wallet_limit, settings.results_wallet_limit, profile.read_max));
    profile.batch_size =
        at_least_one(count(options.batch_size, settings.results_batch_size, profile.batch_size));
    profile.batch_delay_ms =
        ms(options.batch_delay_ms, settings.results_batch_delay_ms, profile.batch_delay_ms);
    profile.reread_max = or_all(count(options.verify_sample, settings.verify_sample, profile.reread_max));
    profile.recheck_delay_ms =
        ms(options.recheck_delay_ms, settings.verify_recheck_delay_ms, profile.recheck_delay_ms);
    Ok(profile)
}

/// Entries of each stage: the staged profile reads a list, the others one number.
fn stages(
    options: &LoadOptions,
    settings: &StressSettings,
    preset: Vec<usize>,
) -> Result<Vec<usize>, CommandError> {
    let is_staged = options.profile == ProfileName::Staged;
    let single = |total: u64| vec![usize::try_from(total).unwrap_or(usize::MAX)];
    let stages = match (&options.stages, options.total) {
        (Some(list), _) if is_staged => read_stages(list)?,
        (Some(_), _) => {
            let text = "--stages belongs to the staged profile; use --total";
            return Err(CommandError::Usage(text.to_owned()));
        }
        (None, Some(total)) => single(total),
        (None, None) => match (&settings.stage_targets, settings.total) {
            (Some(list), _) if is_staged => read_stages(list)?,
            (_, Some(total)) if !is_staged => single(total),
            _ => preset,
        },
    };
    let total = stages.iter().fold(0_usize, |total, stage| total.saturating_add(*stage));
    if stages.contains(&0) || total > ENTRIES_MAX {
        let text = format!("a load has 1 to {ENTRIES_MAX} entries, and no stage without any");
        return Err(CommandError::Usage(text));
    }
    Ok(stages)
}

fn read_stages(list: &str) -> Result<Vec<usize>, CommandError> {
    let stages: Result<Vec<usize>, _> = list.split(',').map(|stage| stage.trim().parse()).collect();
    stages.map_err(|_| {
        CommandError::Usage(format!("stages are whole numbers such as 5000,20000,50000, not {list:?}"))
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn with(name: ProfileName, settings: &StressSettings, edit: impl FnOnce(&mut LoadOptions)) -> Profile {
        let mut options = LoadOptions::of(name);
        edit(&mut options);
        profile(&options, settings).unwrap()
    }

    #[test]
    fn the_presets_are_those_of_the_specification() {
        let preset = |name| with(name, &StressSettings::default(), |_| ());
        let entries = preset(ProfileName::Entries);
        assert_eq!((entries.stages, entries.join_workers, entries.timeout_ms), (vec![5_000], 120, 10_000));
        assert_eq!((entries.is_one_window, entries.begin_buffer_ms), (true, 25_000));
        let settlement = preset(ProfileName::Settlement);
        assert_eq!(
            (&*settlement.stages, settlement.join_workers, settlement.read_workers),
            (&[4_500][..], 700, 250)
        );
        assert_eq!(
            (settlement.timeout_ms, settlement.stop_buffer_ms, settlement.grace_ms),
            (12_000, 5_000, 3_000)
        );
        assert_eq!(
            (settlement.read_max, settlement.reread_max, settlement.recheck_delay_ms),
            (usize::MAX, usize::MAX, 600)
        );
        let staged = preset(ProfileName::Staged);
        assert_eq!((staged.stages, staged.window_max), (vec![5_000, 20_000, 50_000], 3_800));
        assert_eq!((staged.join_workers, staged.stop_buffer_ms, staged.is_one_window), (700, 7_000, false));
        let batched = preset(ProfileName::AllWallets);
        assert_eq!((batched.batch_size, batched.batch_delay_ms), (250, 250));
        assert_eq!((batched.stages, batched.read_max), (vec![4_500], usize::MAX));
        assert_eq!(preset(ProfileName::Sustained).join_workers, 250);
    }

    #[test]
    fn an_option_beats_the_environment_which_beats_the_preset() {
        let settings = StressSettings {
            total: Some(7),
            entry_concurrency: Some(8),
            results_wallet_limit: Some(9),
            stage_targets: Some("1,2".to_owned()),
            workers: Some(3),
            ..StressSettings::default()
        };
        let settlement = with(ProfileName::Settlement, &settings, |_| ());
        assert_eq!((&*settlement.stages, settlement.join_workers, settlement.read_max), (&[7][..], 8, 9));
        let settlement = with(ProfileName::Settlement, &settings, |options| {
            (options.total, options.concurrency, options.results_wallet_limit) =
                (Some(70), Some(80), Some(0));
        });
        assert_eq!(
            (&*settlement.stages, settlement.join_workers, settlement.read_max),
            (&[70][..], 80, usize::MAX)
        );
        let staged = with(ProfileName::Staged, &settings, |_| ());
        assert_eq!((staged.stages, staged.join_workers), (vec![1, 2], 3));
        let staged = with(ProfileName::Staged, &settings, |options| options.stages = Some("3, 4".to_owned()));
        assert_eq!(staged.stages, [3, 4]);
    }

    #[test]
    fn what_makes_no_load_is_refused() {
        let refused = |name, edit: fn(&mut LoadOptions)| {
            let mut options = LoadOptions::of(name);
            edit(&mut options);
            profile(&options, &StressSettings::default()).unwrap_err().to_string()
        };
        assert!(refused(ProfileName::Entries, |options| options.total = Some(0)).contains("1 to 10000000"));
        assert!(
            refused(ProfileName::Entries, |options| options.stages = Some("1".to_owned()))
                .contains("--total")
        );
        for list in ["", "x", "5,", "5,0"] {
            let mut options = LoadOptions::of(ProfileName::Staged);
            options.stages = Some(list.to_owned());
            assert!(profile(&options, &StressSettings::default()).is_err(), "{list:?}");
        }
        assert!(
            refused(ProfileName::Staged, |options| options.open_buffer_ms = Some(60_000)).contains("60000")
        );
    }
}
