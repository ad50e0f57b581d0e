//! What the journal holds reaches the store, whatever became of its files between two starts.

use std::path::{Path, PathBuf};

use telness_store::CallQuery;

use crate::scene::{OFFICE, Scene, draft};

async fn call(scene: &Scene) {
    scene.call(&OFFICE, draft("+46701740605")).await.unwrap();
}

async fn recorded(scene: &Scene) -> usize {
    let query = CallQuery { limit: 100, ..CallQuery::default() };
    scene.engine().list_calls(&OFFICE, &query).await.unwrap().calls.len()
}

fn segments(scene: &Scene) -> Vec<PathBuf> {
    let files = std::fs::read_dir(scene.settings.data.join("journal")).unwrap().map(|file| file.unwrap().path());
    files.filter(|file| name(file).starts_with("segment-")).collect()
}

fn name(file: &Path) -> String {
    file.file_name().unwrap().to_str().unwrap().to_owned()
}

#[tokio::test]
async fn n1_calls_are_kept_by_a_journal_whose_segments_were_deleted() {
    let mut scene = Scene::new();
    for _ in 0..3 {
        call(&scene).await;
        scene.restart().await;
    }
    scene.stop().await;
    segments(&scene).iter().for_each(|file| std::fs::remove_file(file).unwrap());
    scene.start();
    call(&scene).await;
    assert_eq!(recorded(&scene).await, 4);
    scene.restart().await;
    call(&scene).await;
    assert_eq!(recorded(&scene).await, 5);
}

#[tokio::test]
async fn n1_calls_are_kept_by_a_journal_that_was_set_back_to_a_backup() {
    let mut scene = Scene::new();
    call(&scene).await;
    scene.stop().await;
    let backup: Vec<_> = segments(&scene).into_iter().map(|file| (std::fs::read(&file).unwrap(), file)).collect();
    for _ in 0..2 {
        scene.start();
        call(&scene).await;
        scene.stop().await;
    }
    segments(&scene).iter().for_each(|file| std::fs::remove_file(file).unwrap());
    backup.iter().for_each(|(bytes, file)| std::fs::write(file, bytes).unwrap());
    for calls in 4..7 {
        scene.start();
        call(&scene).await;
        assert_eq!(recorded(&scene).await, calls);
        scene.stop().await;
    }
}
